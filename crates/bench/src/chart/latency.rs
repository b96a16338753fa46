//! Latencies of one rung: how they are spread, and their percentiles out to the tail.

use std::fmt::Write;

use kneepoint_stats::Scale;

use super::axis::{Axis, Frame, LINE, mark_lines};
use super::picture::{Entry, Options, Picture, Shape, Table, key, key_lines};
use super::scale::{Domain, Kind};
use super::svg::{Area, Svg, TEXT};
use crate::number::{self, time_ms};
use crate::order;
use crate::report::{Metric, Quantile, Rung};

/// From this ratio of the longest to the shortest on, a linear axis would show one bar.
const LOG_FROM: f64 = 20.0;

/// What is shorter than the longest by more than this lies on the floor of a logarithmic axis.
const MAGNITUDES: f64 = 1e4;

/// Points of a percentile curve; a screen has no room for more.
const POINTS_MAX: usize = 160;

/// Histogram ticks per millisecond.
const TICKS_PER_MS: f64 = 1000.0;

/// How often each latency occurred, with p50, p95 and p99 marked. `name` says what was measured,
/// such as `time to first token`. None without a positive figure.
pub fn histogram(name: &str, metric: &Metric, options: Options) -> Option<Picture> {
    let counted = metric.histogram();
    let (least, most) = (counted.min()? as f64, counted.max()? as f64);
    let ratio = most / least.max(1.0);
    let (scale, kind) = if ratio >= LOG_FROM {
        (Scale::Log, Kind::Decades)
    } else {
        (Scale::Linear, Kind::Linear)
    };
    let wanted = if options.width() < 480.0 { 24 } else { 40 };
    let mut bins = counted.bins(scale, wanted);
    for bin in &mut bins {
        (bin.low, bin.high) = (bin.low / TICKS_PER_MS, bin.high / TICKS_PER_MS);
        if bin.high <= bin.low {
            // All values are equal: a bar needs a width.
            (bin.low, bin.high) = (bin.low * 0.975, bin.high.max(0.001) * 1.025);
        }
    }
    let (low, high) = (bins.first()?.low, bins.last()?.high);
    let air = if kind == Kind::Linear {
        (high - low) * 0.02
    } else {
        0.0
    };
    let x = Axis::new(
        Domain::new(kind, low - air, high + air),
        &format!("{name}, ms"),
    );
    let tallest = bins.iter().map(|bin| bin.count as f64);
    let y = Axis::new(Domain::from_zero(tallest), "requests");
    let marks: Vec<(f64, String)> = [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")]
        .into_iter()
        .filter_map(|(q, word)| {
            let value = metric.quantile(q)?.value;
            Some((value, format!("{word} {}", time_ms(value))))
        })
        .filter(|(value, _)| value.is_finite())
        .collect();
    let head = mark_lines(&marks, x.domain, options.width() - 70.0);
    let mut svg = Svg::new(options.width(), options.height());
    let region = options.region(0.0, options.height());
    let frame = Frame::draw(&mut svg, region, &x, &y, head, 0.0);
    for bin in bins.iter().filter(|bin| bin.count > 0) {
        let words = format!(
            "{} to {}: {} of {}",
            time_ms(bin.low),
            time_ms(bin.high),
            number::count(bin.count),
            number::counted(metric.n, "request")
        );
        let (left, right) = (frame.x(bin.low), frame.x(bin.high));
        let area = Area {
            left: left + 0.5,
            // One request among thousands is still to be seen.
            top: frame.y(bin.count as f64).min(frame.plot.bottom - 1.0),
            right: (right - 0.5).max(left + 1.0),
            bottom: frame.plot.bottom,
        };
        svg.point(&words, |svg| svg.rect(area, "kp-bar kp-series"));
    }
    frame.marks(&mut svg, &marks, head);
    let summary = format!(
        "{} from {} to {}.",
        number::counted(metric.n, "request"),
        time_ms(metric.min),
        time_ms(metric.max)
    );
    let mut table = Table::new(["from", "to", "requests"]);
    for bin in bins.iter().filter(|bin| bin.count > 0) {
        table.row([
            time_ms(bin.low),
            time_ms(bin.high),
            number::count(bin.count),
        ]);
    }
    Some(Picture::new(
        svg,
        &format!("Spread of {name}"),
        summary,
        table,
    ))
}

/// Percentiles of a rung's times to the first token and to the last, on an axis where each further
/// nine is equally long, with their intervals as bands. None without an answer.
pub fn percentiles(rung: &Rung, options: Options) -> Option<Picture> {
    let lines: Vec<Line<'_>> = [
        ("kp-second", "first token", rung.ttft.as_ref()),
        ("kp-series", "whole answer", rung.e2e.as_ref()),
    ]
    .into_iter()
    .filter_map(|(class, name, metric)| {
        Some(Line {
            class,
            name,
            metric: metric?,
        })
    })
    .collect();
    draw_percentiles("Latency percentiles", &lines, options)
}

/// One line of a percentile plot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) class: &'a str,
    pub(super) name: &'a str,
    pub(super) metric: &'a Metric,
}

pub(super) fn draw_percentiles(
    title: &str,
    lines: &[Line<'_>],
    options: Options,
) -> Option<Picture> {
    let most = lines
        .iter()
        .map(|line| line.metric.n)
        .max()
        .filter(|n| *n > 0)?;
    let curves: Vec<_> = lines.iter().map(|line| tail(line.metric)).collect();
    let bands = lines.iter().flat_map(|line| &line.metric.quantiles);
    let tops = bands
        .filter_map(|found| found.high)
        .chain(curves.iter().flatten().map(|point| point.1));
    let x = Axis::new(
        Domain::new(Kind::Tail, 1.0, (2.0 * most as f64).max(10.0)),
        "percentile",
    );
    let longest = tops.filter(|value| value.is_finite()).fold(0.0, f64::max);
    let shortest = curves.iter().flatten().map(|point| point.1);
    let least = shortest.fold(longest, f64::min).max(longest / MAGNITUDES);
    let y = if least > 0.0 && longest / least >= LOG_FROM {
        Domain::new(Kind::Decades, least / 1.15, longest * 1.15)
    } else {
        Domain::from_zero([longest].into_iter())
    };
    let y = Axis::new(y, "ms");
    let entries: Vec<Entry<'_>> = lines
        .iter()
        .map(|line| {
            (
                if line.class == "kp-second" {
                    "kp-line kp-second"
                } else {
                    "kp-line"
                },
                Shape::Line,
                line.name,
            )
        })
        .collect();
    let room = options.width() - 16.0;
    let head = key_lines(&entries, room);
    let height = options.height() + head as f64 * LINE;
    let mut svg = Svg::new(options.width(), height);
    key(&mut svg, &entries, (4.0, TEXT), room);
    let region = options.region(head as f64 * LINE, height);
    let frame = Frame::draw(&mut svg, region, &x, &y, 0, 0.0);
    for (line, curve) in lines.iter().zip(&curves) {
        let kept: Vec<_> = line
            .metric
            .quantiles
            .iter()
            .filter(|found| found.q < 1.0)
            .collect();
        let place = |q: f64, value: f64| (frame.x(1.0 / (1.0 - q)), frame.y(value));
        let banded = kept
            .iter()
            .filter_map(|found| Some((found.q, found.low?, found.high?)));
        let banded: Vec<_> = banded.collect();
        let upper = banded.iter().map(|&(q, _, high)| place(q, high));
        let lower = banded.iter().rev().map(|&(q, low, _)| place(q, low));
        svg.polygon(
            &upper.chain(lower).collect::<Vec<_>>(),
            &format!("kp-band {}", line.class),
        );
        let points: Vec<_> = curve
            .iter()
            .map(|&(tail, value)| (frame.x(tail), frame.y(value)))
            .collect();
        svg.polyline(&points, &format!("kp-line {}", line.class));
        for found in dots(line.metric) {
            let words = words(line, found);
            let at = place(found.q, found.value);
            svg.point(&words, |svg| {
                svg.circle(at, 4.0, &format!("kp-dot {}", line.class));
            });
        }
    }
    let summary = "Bands are intervals, where there is enough data for one.".to_owned();
    Some(Picture::new(svg, title, summary, table(lines)))
}

fn words(line: &Line<'_>, found: &Quantile) -> String {
    let mut words = format!(
        "{} p{}: {}",
        line.name,
        percentile(found.q),
        time_ms(found.value)
    );
    if let (Some(low), Some(high)) = (found.low, found.high) {
        let _ = write!(words, " ({} to {})", time_ms(low), time_ms(high));
    } else if let Some(needs) = found.needs {
        let _ = write!(
            words,
            " (an interval takes {} requests)",
            number::count(needs)
        );
    }
    words
}

/// 0.999 as `99.9`.
fn percentile(q: f64) -> String {
    let text = format!("{:.3}", q * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The percentiles that are marked: one of fewer samples than it takes to have one is no point to read.
fn dots(metric: &Metric) -> impl Iterator<Item = &Quantile> {
    let has_enough = |found: &&Quantile| 1.0 / (1.0 - found.q) <= metric.n as f64;
    let found = metric.quantiles.iter().filter(|found| found.q < 1.0);
    found
        .filter(has_enough)
        .filter(|found| found.value.is_finite())
}

/// The curve as pairs of 1/(1−q) and milliseconds, thinned evenly along the axis. The value of rank k
/// of n, from 0, is the quantile k/(n−1), as the rule of the reports has it; the longest ends it. Where
/// ranks are few, the rule's way from one to the next is no straight line on this axis, and counted values
/// are rounded: so the curve is led through the dots.
fn tail(metric: &Metric) -> Vec<(f64, f64)> {
    let counted = metric.histogram();
    let ranks = (counted.len() as f64 - 1.0).max(1.0);
    let finest = libm::log(ranks + 1.0) / POINTS_MAX as f64;
    let mut out: Vec<(f64, f64)> = Vec::new();
    let (mut below, mut last) = (0.0, f64::NEG_INFINITY);
    for bucket in counted.buckets() {
        let tail = ranks / (ranks - below).max(0.5);
        if libm::log(tail) - last >= finest {
            out.push((tail, bucket.middle() as f64 / TICKS_PER_MS));
            last = libm::log(tail);
        }
        below += bucket.count as f64;
    }
    let longest = counted.max().map(|longest| longest as f64 / TICKS_PER_MS);
    out.extend(longest.map(|longest| (2.0 * ranks, longest)));
    for found in dots(metric) {
        let at = 1.0 / (1.0 - found.q);
        for (tail, value) in &mut out {
            *value = if *tail <= at {
                value.min(found.value)
            } else {
                value.max(found.value)
            };
        }
        out.push((at, found.value));
    }
    order::by(&mut out, |point| point.0);
    out
}

fn table(lines: &[Line<'_>]) -> Table {
    let mut table = Table::new([
        "percentile",
        "of",
        "value",
        "low",
        "high",
        "with failures as endless",
    ]);
    for line in lines {
        for found in &line.metric.quantiles {
            let end = |end: Option<f64>| time_ms(end.unwrap_or(f64::NAN));
            let endless = found
                .with_failures
                .map_or_else(|| "endless".to_owned(), time_ms);
            table.row([
                format!("p{}", percentile(found.q)),
                line.name.to_owned(),
                time_ms(found.value),
                end(found.low),
                end(found.high),
                endless,
            ]);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use kneepoint_stats::Series;

    use super::*;
    use crate::report::{CONFIDENCE, RULE};

    #[test]
    fn every_dot_lies_on_a_curve_that_never_falls() {
        for n in [3, 20, 21, 100, 1000_u32] {
            let mut series = Series::new();
            for rank in 0..n {
                // The slowest takes ten times as long as the others do at most.
                let outlier = if rank + 1 == n { 10.0 } else { 1.0 };
                let ms = (100.0 + f64::from(rank) / f64::from(n) * 50.0) * outlier;
                series.record(ms).expect("a time");
            }
            let metric = Metric::of(&series, 0, RULE, CONFIDENCE).expect("values");
            let curve = tail(&metric);
            assert!(
                curve.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1),
                "{n}: {curve:?}"
            );
            for dot in dots(&metric) {
                let at = 1.0 / (1.0 - dot.q);
                assert!(
                    curve.contains(&(at, dot.value)),
                    "{n}: p{} {curve:?}",
                    dot.q
                );
            }
        }
    }
}
