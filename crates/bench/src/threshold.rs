//! Conditions under which a run counts as failed, such as `p95>800ms` or `error_rate>1%`.

use std::fmt;
use std::str::FromStr;

use crate::report::{Metric, Report, Rung, TIMES, Times};

/// A condition under which a run counts as failed.
///
/// ```
/// use kneepoint_bench::threshold::Threshold;
///
/// let slow: Threshold = "ttft.p95 > 0.8s".parse()?;
/// assert_eq!(slow.to_string(), "ttft.p95>800ms");
/// let error = "p97>800ms".parse::<Threshold>().unwrap_err();
/// assert!(error.to_string().contains("p50, p75, p90, p95, p99, p99.9"));
/// # Ok::<(), kneepoint_bench::threshold::ThresholdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    figure: Figure,
    above: bool,
    inclusive: bool,
    /// In milliseconds, as a share, or as it is.
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Figure {
    Time(Times, Part),
    ErrorRate,
    Throughput,
    Tokens,
    Goodput,
    Knee,
    Peak,
    Limit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Quantile(f64),
    Mean,
    Max,
    Min,
}

/// Bounds are written to nine digits behind the point: further ones are not theirs, but their unit's.
const DIGITS: f64 = 1e9;

const PARTS: [(&str, Part); 9] = [
    ("p50", Part::Quantile(0.5)),
    ("p75", Part::Quantile(0.75)),
    ("p90", Part::Quantile(0.9)),
    ("p95", Part::Quantile(0.95)),
    ("p99", Part::Quantile(0.99)),
    ("p99.9", Part::Quantile(0.999)),
    ("mean", Part::Mean),
    ("max", Part::Max),
    ("min", Part::Min),
];

const FIGURES: [(&str, Figure); 7] = [
    ("error_rate", Figure::ErrorRate),
    ("throughput", Figure::Throughput),
    ("tokens", Figure::Tokens),
    ("goodput", Figure::Goodput),
    ("knee", Figure::Knee),
    ("peak", Figure::Peak),
    ("limit", Figure::Limit),
];

/// Why a text is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// There is no comparison in it.
    #[error("{0:?}: expected a figure, one of < <= > >=, and a bound, such as p95>800ms")]
    Shape(String),
    /// The figure is not known.
    #[error(
        "{0:?} is no figure: expected one of {parts} (of e2e, or of another time as in ttft.p95: {times}), or {figures}",
        parts = listed(PARTS.map(|(name, _)| name)),
        times = listed(TIMES.map(|times| times.name)),
        figures = listed(FIGURES.map(|(name, _)| name)),
    )]
    Figure(String),
    /// The bound is no number.
    #[error("{0:?} is no bound: expected a number that is not negative, and its unit")]
    Bound(String),
    /// No run can miss it.
    #[error("{0:?} can never come true: the most is 1, or 100%; one in a hundred is 1%")]
    Never(String),
    /// The unit does not fit the figure.
    #[error("the unit of {figure:?} is {expected}, not {found:?}")]
    Unit {
        /// The figure.
        figure: String,
        /// What would do.
        expected: &'static str,
        /// What was given.
        found: String,
    },
}

/// What came of a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The run is within it; the figure.
    Held(f64),
    /// The run missed it; the figure, +∞ where failures made it endless.
    Missed(f64),
    /// The report does not have the figure, so that nothing shows that it held.
    NoData,
}

impl Outcome {
    /// Whether the run counts as failed.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Held(_))
    }
}

impl Threshold {
    /// Holds it against a report's main rung. Percentiles count every failure as endless: else a
    /// server could pass by failing whatever is slow.
    pub fn check(&self, report: &Report) -> Outcome {
        let Some(value) = report
            .main_rung()
            .and_then(|rung| self.figure.of(report, rung))
        else {
            return Outcome::NoData;
        };
        // Units are multiplied with, which the last digit of a bound may show.
        let equal = (value - self.bound).abs() <= f64::EPSILON * self.bound.abs();
        let missed = if equal {
            self.inclusive
        } else if self.above {
            value > self.bound
        } else {
            value < self.bound
        };
        if missed {
            Outcome::Missed(value)
        } else {
            Outcome::Held(value)
        }
    }
}

impl Figure {
    fn of(self, report: &Report, rung: &Rung) -> Option<f64> {
        let answer = report.answer.as_ref();
        let found = |finding: Option<&crate::report::Finding>| finding.map(|f| f64::from(f.value));
        match self {
            Self::Time(times, part) => times.of(rung).and_then(|metric| part.of(metric)),
            Self::ErrorRate => (rung.requests > 0).then(|| rung.error_rate()),
            Self::Throughput => Some(rung.requests_per_s.value),
            Self::Tokens => rung.output_tokens_per_s.map(|tokens| tokens.value),
            Self::Goodput => rung.goodput_per_s,
            Self::Knee => found(answer?.knee.as_ref()),
            Self::Peak => found(answer?.peak.as_ref()),
            Self::Limit => found(answer?.limit.as_ref()),
        }
    }

    /// What a unit multiplies a bound with; none if it does not fit.
    fn unit(self, unit: &str) -> Option<f64> {
        match (self, unit) {
            (Self::Time(..), "s") => Some(1000.0),
            (Self::Time(..), "us" | "µs") => Some(0.001),
            (Self::ErrorRate, "%") => Some(0.01),
            (Self::Time(..), "ms")
            | (Self::ErrorRate | Self::Knee | Self::Peak | Self::Limit, "")
            | (Self::Throughput | Self::Goodput | Self::Tokens, "" | "/s") => Some(1.0),
            _ => None,
        }
    }

    const fn expected_unit(self) -> &'static str {
        match self {
            Self::Time(..) => "us, ms or s",
            Self::ErrorRate => "%, or none for a share of 1",
            Self::Throughput | Self::Tokens | Self::Goodput => "/s or none",
            Self::Knee | Self::Peak | Self::Limit => "none",
        }
    }
}

impl Part {
    fn of(self, metric: &Metric) -> Option<f64> {
        match self {
            Self::Quantile(q) => {
                let found = metric.quantile(q)?;
                // Nearest rank may lie below the rule's own figure, which failures must not improve.
                Some(
                    found
                        .with_failures
                        .map_or(f64::INFINITY, |value| value.max(found.value)),
                )
            }
            Self::Mean => Some(metric.mean),
            Self::Max => Some(metric.max),
            Self::Min => Some(metric.min),
        }
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let shape = || ThresholdError::Shape(text.to_owned());
        let at = text.find(['<', '>']).ok_or_else(shape)?;
        let (name, rest) = (text[..at].trim(), &text[at + 1..]);
        let (inclusive, bound) = match rest.strip_prefix('=') {
            Some(bound) => (true, bound.trim()),
            None => (false, rest.trim()),
        };
        if name.is_empty() || bound.is_empty() {
            return Err(shape());
        }
        let figure = figure(name)?;
        let digits = bound
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(bound.len());
        let (number, unit) = (&bound[..digits], bound[digits..].trim());
        let number: f64 = number
            .parse()
            .map_err(|_| ThresholdError::Bound(bound.to_owned()))?;
        let factor = figure.unit(unit).ok_or_else(|| ThresholdError::Unit {
            figure: name.to_owned(),
            expected: figure.expected_unit(),
            found: unit.to_owned(),
        })?;
        let above = text.as_bytes()[at] == b'>';
        let bound = number * factor;
        let is_beyond = if inclusive { bound > 1.0 } else { bound >= 1.0 };
        if figure == Figure::ErrorRate && above && is_beyond {
            return Err(ThresholdError::Never(text.to_owned()));
        }
        Ok(Self {
            figure,
            above,
            inclusive,
            bound,
        })
    }
}

fn figure(name: &str) -> Result<Figure, ThresholdError> {
    let unknown = || ThresholdError::Figure(name.to_owned());
    if let Some(figure) = named(&FIGURES, name) {
        return Ok(figure);
    }
    let (times, part) = match name.split_once('.') {
        Some((times, part)) if !times.starts_with('p') => (times, part),
        _ => ("e2e", name),
    };
    let times = Times::named(times).ok_or_else(unknown)?;
    let part = named(&PARTS, part).ok_or_else(unknown)?;
    Ok(Figure::Time(times, part))
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    all.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, it)| *it)
}

fn listed<const N: usize>(names: [&str; N]) -> String {
    names.join(", ")
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], it: &T) -> &'static str {
    all.iter()
        .find(|(_, known)| known == it)
        .map_or("", |(name, _)| name)
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.figure {
            Figure::Time(times, part) => {
                write!(f, "{}.{}", times.name, name_of(&PARTS, part))?;
            }
            figure => write!(f, "{}", name_of(&FIGURES, figure))?,
        }
        let comparison = match (self.above, self.inclusive) {
            (true, false) => ">",
            (true, true) => ">=",
            (false, false) => "<",
            (false, true) => "<=",
        };
        let (bound, unit) = match self.figure {
            Figure::Time(..) => (self.bound, "ms"),
            Figure::ErrorRate => (self.bound * 100.0, "%"),
            Figure::Throughput | Figure::Tokens | Figure::Goodput => (self.bound, "/s"),
            Figure::Knee | Figure::Peak | Figure::Limit => (self.bound, ""),
        };
        let bound = (bound * DIGITS).round() / DIGITS;
        write!(f, "{comparison}{bound}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood_or_told_apart() {
        #[rustfmt::skip]
        let cases = [
            ("p95>800ms",             Ok("e2e.p95>800ms")),
            ("p99.9 >= 2s",           Ok("e2e.p99.9>=2000ms")),
            ("ttft.p50>500us",        Ok("ttft.p50>0.5ms")),
            ("tpot.mean>30ms",        Ok("tpot.mean>30ms")),
            ("error_rate>1%",         Ok("error_rate>1%")),
            ("error_rate>7%",         Ok("error_rate>7%")),
            ("p95>2.01s",             Ok("e2e.p95>2010ms")),
            ("error_rate>0.5",        Ok("error_rate>50%")),
            ("error_rate>=1",         Ok("error_rate>=100%")),
            ("error_rate<5",          Ok("error_rate<500%")),
            ("error_rate>1",          Err("never come true: the most is 1, or 100%")),
            ("error_rate>=5",         Err("never come true")),
            ("throughput<50",         Ok("throughput<50/s")),
            ("tokens<=1000/s",        Ok("tokens<=1000/s")),
            ("knee<8",                Ok("knee<8")),
            ("p95",                   Err("expected a figure, one of")),
            (">5",                    Err("expected a figure, one of")),
            ("p95>",                  Err("expected a figure, one of")),
            ("p97>1s",                Err("is no figure")),
            ("speed.p95>1s",          Err("is no figure")),
            ("p95>fast",              Err("is no bound")),
            ("p95>-5ms",              Err("is no bound")),
            ("p95>1.2.3ms",           Err("is no bound")),
            ("p95>800",               Err("us, ms or s")),
            ("error_rate>1ms",        Err("%, or none")),
            ("knee<8/s",              Err("none")),
        ];
        for (text, expected) in cases {
            match (text.parse::<Threshold>(), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
