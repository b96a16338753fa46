//! Throughput against concurrency: each rung with its interval, knee, peak and limit marked, and the
//! universal scalability law as a line to compare with.

use std::fmt::Write;

use kneepoint_stats::Usl;

use super::axis::{Axis, Frame, Mark, mark_lines};
use super::picture::{Options, Picture, Table};
use super::scale::{Domain, Kind};
use super::svg::{Anchor, Svg};
use crate::number;
use crate::order;
use crate::record::Class;
use crate::report::{Answer, CONFIDENCE, Estimate, Purpose, Report, Rung};

/// Points of the smooth line.
const SMOOTH: usize = 64;

/// One rung as a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub(super) n: f64,
    pub(super) throughput: Estimate,
    refused: u64,
    failed: u64,
    purpose: Purpose,
    client_bound: bool,
    superseded: bool,
}

impl Level {
    /// Whether it belongs to the line through the rungs. One where the client was the limit does, as a
    /// ring, unless another was measured in its place: the line would otherwise go past what was
    /// measured.
    pub(super) fn is_of_curve(&self) -> bool {
        self.purpose != Purpose::Repeat && self.refused == 0 && !self.superseded
    }

    pub(super) fn is_at(&self, n: f64) -> bool {
        self.n.total_cmp(&n).is_eq()
    }

    fn class(&self) -> &'static str {
        if self.refused > 0 {
            "kp-throttled"
        } else if self.failed > 0 {
            "kp-failed"
        } else if self.is_of_curve() && !self.client_bound {
            "kp-series"
        } else {
            "kp-aside"
        }
    }

    fn words(&self, unit: &str) -> String {
        let mut words = format!(
            "{} at once: {} {unit}",
            self.n,
            number::figure(self.throughput.value)
        );
        if let (Some(low), Some(high)) = (self.throughput.low, self.throughput.high) {
            let _ = write!(
                words,
                " ({} to {})",
                number::figure(low),
                number::figure(high)
            );
        }
        for (count, what) in [(self.refused, "refused"), (self.failed, "failed")] {
            if count > 0 {
                let _ = write!(words, ", {} {what}", number::count(count));
            }
        }
        if self.client_bound {
            words += ", the client was the limit";
        }
        words
    }
}

/// The rungs of closed loops by concurrency, and the unit of their throughput.
pub(super) fn levels(report: &Report) -> (Vec<Level>, &'static str) {
    levels_of(&report.rungs, report.config.stream)
}

fn levels_of(rungs: &[Rung], stream: bool) -> (Vec<Level>, &'static str) {
    let counted = stream && rungs.iter().any(|rung| rung.output_tokens_per_s.is_some());
    let mut levels: Vec<Level> = Vec::new();
    for rung in rungs {
        let throughput = rung.throughput(stream);
        let comparable = !counted || rung.output_tokens_per_s.is_some() || rung.ok == 0;
        let Some(n) = rung.concurrency.filter(|_| comparable) else {
            continue;
        };
        if !throughput.value.is_finite() {
            continue;
        }
        levels.push(Level {
            n: f64::from(n),
            throughput,
            refused: rung.count(Class::Throttled),
            failed: rung.failed(),
            purpose: rung.purpose,
            client_bound: rung.client.bound,
            superseded: rung.is_superseded(rungs),
        });
    }
    order::by(&mut levels, |level| level.n);
    (levels, if counted { "tok/s" } else { "answers/s" })
}

/// What a ladder found, as marks on the axis of concurrency.
fn findings(answer: &Answer) -> Vec<(f64, String)> {
    let found = [
        ("knee", &answer.knee),
        ("peak", &answer.peak),
        ("limit", &answer.limit),
        ("objectives", &answer.slo),
    ];
    let found = found
        .iter()
        .filter_map(|(name, finding)| Some((*name, finding.as_ref()?)))
        // A limit below one at a time has no place on the axis.
        .filter(|(_, finding)| finding.value > 0);
    let mut marks: Vec<(u32, String)> = Vec::new();
    for (name, finding) in found {
        match marks.iter_mut().find(|(other, _)| *other == finding.value) {
            Some((_, names)) => *names = format!("{names}, {name}"),
            None => marks.push((finding.value, name.to_owned())),
        }
    }
    let numbered = |(value, names): (u32, String)| (f64::from(value), format!("{names} {value}"));
    marks.into_iter().map(numbered).collect()
}

/// The axis of concurrency that shows all `levels`, with some air at its ends. It is a doubling long at
/// least: half a request has no place on it.
pub(super) fn concurrency_axis(levels: &[Level]) -> Axis {
    let low = levels.first().map_or(1.0, |level| level.n.max(1.0));
    let high = levels.last().map_or(1.0, |level| level.n).max(low * 2.0);
    Axis::new(
        Domain::new(Kind::Doublings, low / 1.15, high * 1.15),
        "requests at once",
    )
}

/// The axis of throughput that shows all `levels` and their intervals.
pub(super) fn throughput_axis(levels: &[Level], unit: &str) -> Axis {
    let ends = |level: &Level| [level.throughput.value, level.throughput.high.unwrap_or(0.0)];
    Axis::new(Domain::from_zero(levels.iter().flat_map(ends)), unit)
}

/// Draws the interval of a level, with a stroke at either end.
pub(super) fn interval(svg: &mut Svg, frame: &Frame, level: &Level, class: &str) {
    if let (Some(low), Some(high)) = (level.throughput.low, level.throughput.high) {
        let (x, low, high) = (frame.x(level.n), frame.y(low), frame.y(high));
        svg.line((x, low), (x, high), class);
        for end in [low, high] {
            svg.line((x - 3.0, end), (x + 3.0, end), class);
        }
    }
}

/// Throughput against concurrency. None without a rung of known concurrency.
///
/// ```
/// # use kneepoint_bench::{chart, report::Report};
/// # fn show(report: &Report) -> Option<()> {
/// let picture = chart::throughput(report, chart::Options { width: 360 })?;
/// assert!(picture.svg.starts_with("<svg"));
/// # Some(()) }
/// ```
pub fn throughput(report: &Report, options: Options) -> Option<Picture> {
    let marks = report.answer.as_ref().map_or_else(Vec::new, findings);
    let confidence = report.method.confidence;
    draw(
        levels(report),
        &marks,
        report.usl().as_ref(),
        confidence,
        options,
    )
}

/// The same of the rungs that a ladder has measured so far. None without one.
pub fn climb(rungs: &[Rung], stream: bool, options: Options) -> Option<Picture> {
    let confidence = CONFIDENCE.share();
    draw(levels_of(rungs, stream), &[], None, confidence, options)
}

fn draw(
    (levels, unit): (Vec<Level>, &str),
    marks: &[Mark],
    law: Option<&Usl>,
    confidence: f64,
    options: Options,
) -> Option<Picture> {
    let (first, last) = (levels.first()?, levels.last()?);
    let mut svg = Svg::new(options.width(), options.height() + 40.0);
    let region = options.region(0.0, options.height() + 40.0);
    let (x, y) = (concurrency_axis(&levels), throughput_axis(&levels, unit));
    let head = mark_lines(marks, x.domain, options.width() - 70.0);
    let frame = Frame::draw(&mut svg, region, &x, &y, head, 0.0);
    frame.marks(&mut svg, marks, head);
    let curve: Vec<_> = levels.iter().filter(|level| level.is_of_curve()).collect();
    let law = law.zip(curve.first().zip(curve.last()));
    if let Some((law, (first, last))) = law {
        let ratio = last.n / first.n;
        let points = (0..SMOOTH).map(|index| {
            let n = first.n * libm::pow(ratio, index as f64 / (SMOOTH - 1) as f64);
            (n, law.throughput(n))
        });
        let inside = points.take_while(|point| y.domain.holds(point.1));
        let points: Vec<_> = inside.map(|(n, x)| (frame.x(n), frame.y(x))).collect();
        svg.polyline(&points, "kp-law");
    }
    let line: Vec<_> = curve
        .iter()
        .map(|level| (frame.x(level.n), frame.y(level.throughput.value)))
        .collect();
    svg.polyline(&line, "kp-line");
    for level in &levels {
        let (at, class) = (
            (frame.x(level.n), frame.y(level.throughput.value)),
            level.class(),
        );
        svg.keep_free(at, 7.0);
        svg.point(&level.words(unit), |svg| {
            interval(svg, &frame, level, &format!("kp-interval {class}"));
            dot(svg, at, level);
        });
    }
    let named = curve
        .iter()
        .find(|level| marks.first().is_some_and(|mark| level.is_at(mark.0)));
    if let Some(level) = named {
        let words = format!("{} {unit}", number::figure(level.throughput.value));
        let (x, y) = (frame.x(level.n), frame.y(level.throughput.value));
        let places = [
            (x - 8.0, y - 10.0, Anchor::End),
            (x + 8.0, y + 22.0, Anchor::Start),
            (x - 8.0, y + 22.0, Anchor::End),
        ];
        svg.label(&places, frame.plot, "kp-word kp-strong", &words);
    }
    if law.is_some() {
        let (left, right) = (frame.plot.left + 8.0, frame.plot.right - 4.0);
        let (high, low) = (frame.plot.top + 14.0, frame.plot.bottom - 10.0);
        let places = [
            (right, low, Anchor::End),
            (right, low - 20.0, Anchor::End),
            (left, high, Anchor::Start),
            (left, high + 20.0, Anchor::Start),
        ];
        svg.label(&places, frame.plot, "kp-tick", "dashed: fitted law (USL)");
    }
    let rings = if levels.iter().any(|level| level.class() == "kp-aside") {
        " Rings: repeated, or client-bound."
    } else {
        ""
    };
    let summary = format!(
        "{}, {} to {} at once. Bars: {:.0} % intervals.{rings}",
        number::counted(levels.len() as u64, "rung"),
        first.n,
        last.n,
        confidence * 100.0
    );
    Some(Picture::new(
        svg,
        "Throughput against concurrency",
        summary,
        table(&levels, unit),
    ))
}

/// Filled: on the curve; a ring: beside it, or around what was measured before; a cross: failures.
fn dot(svg: &mut Svg, at: (f64, f64), level: &Level) {
    let class = level.class();
    match class {
        "kp-failed" => svg.cross(at, 4.5, &format!("kp-cross {class}")),
        "kp-series" => svg.circle(at, 4.5, &format!("kp-dot {class}")),
        _ => svg.circle(at, 6.5, &format!("kp-ring {class}")),
    }
}

pub(super) fn table(levels: &[Level], unit: &str) -> Table {
    let per_user = format!("{unit} each");
    let mut table = Table::new([
        "at once", unit, "low", "high", &per_user, "refused", "failed",
    ]);
    for level in levels {
        let end = |end: Option<f64>| number::figure(end.unwrap_or(f64::NAN));
        table.row([
            level.n.to_string(),
            number::figure(level.throughput.value),
            end(level.throughput.low),
            end(level.throughput.high),
            number::figure(level.throughput.value / level.n.max(1.0)),
            number::count(level.refused),
            number::count(level.failed),
        ]);
    }
    table
}
