//! Two runs in one picture: throughput against concurrency where both climbed, else percentiles.

use super::axis::{Frame, LINE};
use super::curve::{Level, concurrency_axis, interval, levels, throughput_axis};
use super::latency::{Line, draw_percentiles};
use super::picture::{Entry, Options, Picture, Shape, Table, key, key_lines};
use super::svg::{Area, Svg, TEXT};
use crate::number;
use crate::order;
use crate::report::Report;

/// What the lines of the first and of the second run look like.
const CLASSES: [&str; 2] = ["kp-series", "kp-second"];

/// Two runs, each with its name. None where they have nothing in common to draw.
///
/// Two curves that lie apart are no proof that one server is faster:
/// [`compare`](crate::compare) measures that.
pub fn overlay(runs: [(&str, &Report); 2], options: Options) -> Option<Picture> {
    let curves = runs.map(|(_, report)| {
        let (all, unit) = levels(report);
        let levels: Vec<Level> = all.into_iter().filter(Level::is_of_curve).collect();
        (levels, unit)
    });
    let [(a, unit), (b, other)] = &curves;
    if a.len() > 1 && b.len() > 1 && unit == other {
        return Some(climbs(runs.map(|(name, _)| name), [a, b], unit, options));
    }
    let lines: Vec<Line<'_>> = runs
        .iter()
        .zip(CLASSES)
        .filter_map(|((name, report), class)| {
            let metric = report.main_rung()?.e2e.as_ref()?;
            Some(Line {
                class,
                name,
                metric,
            })
        })
        .collect();
    (lines.len() == 2)
        .then(|| draw_percentiles("Latency of two runs", &lines, options))
        .flatten()
}

fn climbs(names: [&str; 2], curves: [&[Level]; 2], unit: &str, options: Options) -> Picture {
    let entries: Vec<Entry<'_>> = vec![
        ("kp-line", Shape::Line, names[0]),
        ("kp-line kp-second", Shape::Line, names[1]),
    ];
    let room = options.width() - 16.0;
    let head = key_lines(&entries, room) as f64 * LINE;
    let height = options.height() + head;
    let mut svg = Svg::new(options.width(), height);
    key(&mut svg, &entries, (4.0, TEXT), room);
    let mut both: Vec<Level> = curves.concat();
    order::by(&mut both, |one| one.n);
    let region = options.region(head, height);
    let (x, y) = (concurrency_axis(&both), throughput_axis(&both, unit));
    let frame = Frame::draw(&mut svg, region, &x, &y, 0, 0.0);
    let mut table = Table::new(["run", "at once", unit, "low", "high"]);
    for ((levels, name), class) in curves.iter().zip(names).zip(CLASSES) {
        let place = |level: &Level| (frame.x(level.n), frame.y(level.throughput.value));
        let line: Vec<_> = levels.iter().map(place).collect();
        svg.polyline(&line, &format!("kp-line {class}"));
        for level in *levels {
            let value = number::figure(level.throughput.value);
            let words = format!("{name}, {} at once: {value} {unit}", level.n);
            svg.point(&words, |svg| {
                interval(svg, &frame, level, &format!("kp-interval {class}"));
                dot(svg, place(level), class);
            });
            let end = |end: Option<f64>| number::figure(end.unwrap_or(f64::NAN));
            let (low, high) = (end(level.throughput.low), end(level.throughput.high));
            table.row([name.to_owned(), level.n.to_string(), value, low, high]);
        }
    }
    let summary =
        "Bars are intervals. Only runs in turns tell whether a difference is more than chance.";
    Picture::new(svg, "Throughput of two runs", summary.to_owned(), table)
}

/// Round for the first run, square for the second.
fn dot(svg: &mut Svg, (x, y): (f64, f64), class: &str) {
    let shape = format!("kp-dot {class}");
    if class == CLASSES[0] {
        return svg.circle((x, y), 4.5, &shape);
    }
    let area = Area {
        left: x - 4.0,
        top: y - 4.0,
        right: x + 4.0,
        bottom: y + 4.0,
    };
    svg.rect(area, &shape);
}
