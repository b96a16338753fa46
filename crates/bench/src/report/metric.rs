//! Durations of one kind, summarised: percentiles under a named rule, with intervals, with and
//! without failures, and the histogram that merging needs.

use kneepoint_stats::{Confidence, Histogram, NoInterval, Rule, Series};

/// The quantile rule of reports; the reference block has its own.
pub(crate) const RULE: Rule = Rule::Inclusive;

/// The confidence of all intervals.
pub(crate) const CONFIDENCE: Confidence = Confidence::P95;

/// The quantiles of every metric.
pub(crate) const QUANTILES: [f64; 6] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// Durations of one kind, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// How many.
    pub n: u64,
    /// The shortest.
    pub min: f64,
    /// The longest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation; none for a single one.
    pub sd: Option<f64>,
    /// The name of the rule that answered the quantiles.
    pub rule: String,
    /// Whether they are exact; if not, they lie above by at most 0.1 %.
    pub exact: bool,
    /// p50, p75, p90, p95, p99 and p99.9.
    pub quantiles: Vec<Quantile>,
    /// All of them, counted: pairs of microseconds and how many, ascending; 3 digits are kept.
    pub buckets: Vec<(u64, u64)>,
}

fields!(Metric {
    n,
    min,
    max,
    mean,
    sd,
    rule,
    exact,
    quantiles,
    buckets
});
by_serde!(Metric);

/// One quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// Which: 0.95 for p95.
    pub q: f64,
    /// Of the requests with an answer.
    pub value: f64,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// How many samples an interval takes, where there were too few for one.
    pub needs: Option<u64>,
    /// With every failure counted as endless (nearest rank); none means endless.
    pub with_failures: Option<f64>,
}

fields!(Quantile {
    q,
    value,
    low,
    high,
    needs,
    with_failures
});
by_serde!(Quantile);

/// The figures of the reference block: what a small script with a semaphore would print.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Requests, failures included.
    pub total_requests: u64,
    /// From the first dispatch to the last finish, in seconds.
    pub total_time_s: f64,
    /// Answers per second.
    pub throughput_per_s: f64,
    /// The shortest latency in milliseconds, as all that follow.
    pub min: f64,
    /// The longest.
    pub max: f64,
    /// The mean.
    pub avg: f64,
    /// The median.
    pub p50: f64,
    /// Under `rule`.
    pub p95: f64,
    /// Under `rule`.
    pub p99: f64,
    /// `exclusive`, as Python's `statistics.quantiles`, or `nearest` where there were too many
    /// samples to keep.
    pub rule: String,
}

fields!(Reference {
    total_requests,
    total_time_s,
    throughput_per_s,
    min,
    max,
    avg,
    p50,
    p95,
    p99,
    rule,
});
by_serde!(Reference);

impl Metric {
    /// Summarises `series`, measured in milliseconds, beside so many failures. None if it is empty.
    pub fn of(series: &Series, failures: u64, rule: Rule, confidence: Confidence) -> Option<Self> {
        let summary = series.summary(&QUANTILES, rule).ok()??;
        let quantiles = QUANTILES
            .iter()
            .zip(&summary.quantiles)
            .map(|(&q, &value)| {
                let interval = series.interval(q, confidence);
                let with_failures = series.quantile_with_failures(q, failures);
                Quantile::new(q, value, interval, with_failures.map(|found| found.value))
            })
            .collect();
        Some(Self {
            n: summary.n,
            min: summary.min,
            max: summary.max,
            mean: summary.mean,
            sd: summary.sd,
            rule: summary.rule.name().to_owned(),
            exact: series.samples().is_some(),
            quantiles,
            buckets: buckets(&series.to_histogram()),
        })
    }

    /// The quantile `q`, if it is one of those kept.
    pub fn quantile(&self, q: f64) -> Option<&Quantile> {
        self.quantiles.iter().find(|one| (one.q - q).abs() < 1e-9)
    }

    /// The histogram in microseconds, for other tools and for merging.
    pub fn histogram(&self) -> Histogram {
        let mut histogram = Histogram::new();
        for &(value, count) in &self.buckets {
            // What a file claims beyond what can be counted is left out.
            let _ = histogram.record_many(value, count);
        }
        histogram
    }
}

impl Quantile {
    pub(crate) fn new(
        q: f64,
        value: f64,
        interval: Result<kneepoint_stats::Interval, NoInterval>,
        with_failures: Option<f64>,
    ) -> Self {
        let (low, high, needs) = match interval {
            Ok(interval) => (Some(interval.low), Some(interval.high), None),
            Err(NoInterval::TooFew { needs, .. }) => (None, None, Some(needs)),
            Err(_) => (None, None, None),
        };
        Self {
            q,
            value,
            low,
            high,
            needs,
            with_failures: with_failures.filter(|value| value.is_finite()),
        }
    }
}

pub(crate) fn buckets(histogram: &Histogram) -> Vec<(u64, u64)> {
    histogram
        .buckets()
        .map(|bucket| (bucket.middle(), bucket.count))
        .collect()
}

impl Reference {
    /// The block of so many requests in so many seconds, whose answers came at `throughput_per_s`
    /// and took `e2e_ms`. None without an answer.
    pub fn of(
        e2e_ms: &Series,
        total_requests: u64,
        total_time_s: f64,
        throughput_per_s: f64,
    ) -> Option<Self> {
        let summary = e2e_ms.summary(&[0.95, 0.99], Rule::Exclusive).ok()??;
        Some(Self {
            total_requests,
            total_time_s,
            throughput_per_s,
            min: summary.min,
            max: summary.max,
            avg: summary.mean,
            p50: summary.median,
            p95: summary.quantiles[0],
            p99: summary.quantiles[1],
            rule: summary.rule.name().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: impl IntoIterator<Item = f64>) -> Series {
        let mut series = Series::new();
        values.into_iter().for_each(|v| series.record(v).unwrap());
        series
    }

    #[test]
    fn an_interval_without_enough_data_says_what_it_takes() {
        let metric = Metric::of(
            &series((1..=120).map(f64::from)),
            0,
            Rule::Inclusive,
            Confidence::P95,
        )
        .unwrap();
        let p95 = metric.quantile(0.95).unwrap();
        assert_eq!(
            (p95.low, p95.high, p95.needs),
            (Some(109.0), Some(119.0), None)
        );
        let p99 = metric.quantile(0.99).unwrap();
        assert_eq!((p99.low, p99.needs), (None, Some(368)));
        assert_eq!(p99.with_failures, Some(119.0), "nearest rank, no failures");
    }

    #[test]
    fn the_histogram_survives_the_file() {
        let metric = Metric::of(
            &series([1.5, 2.5, 1000.0]),
            0,
            Rule::Inclusive,
            Confidence::P95,
        )
        .unwrap();
        let histogram = metric.histogram();
        assert_eq!(histogram.len(), 3);
        assert_eq!(buckets(&histogram), metric.buckets);
    }

    #[test]
    fn the_reference_block_goes_by_the_exclusive_rule() {
        let block = Reference::of(&series([10.0, 20.0, 30.0, 40.0, 50.0]), 6, 2.0, 2.5).unwrap();
        assert!((block.p50 - 30.0).abs() < 1e-9 && (block.p95 - 57.0).abs() < 1e-9);
        assert!((block.p99 - 59.4).abs() < 1e-9);
        assert_eq!((block.total_requests, block.throughput_per_s), (6, 2.5));
        assert_eq!(Reference::of(&series([]), 3, 1.0, 0.0), None);
    }
}
