//! What each user gets against what all get together: the choice that a concurrency is.

use super::axis::{Axis, Frame};
use super::curve::{Level, levels, table, throughput_axis};
use super::picture::{Options, Picture};
use super::scale::Domain;
use super::svg::{Anchor, Svg};
use crate::number;
use crate::report::Report;

/// What each user gets against what all get together, by concurrency. None for fewer than two
/// rungs of known concurrency.
pub fn pareto(report: &Report, options: Options) -> Option<Picture> {
    let (all, unit) = levels(report);
    let levels: Vec<Level> = all.into_iter().filter(Level::is_of_curve).collect();
    if levels.len() < 2 {
        return None;
    }
    let each = |level: &Level| level.throughput.value / level.n.max(1.0);
    let mut svg = Svg::new(options.width(), options.height() + 40.0);
    let region = options.region(0.0, options.height() + 40.0);
    let x = Axis::new(
        Domain::from_zero(levels.iter().map(each)),
        &format!("{unit} for each of N users"),
    );
    let y = throughput_axis(&levels, &format!("{unit} for all"));
    let frame = Frame::draw(&mut svg, region, &x, &y, 0, 0.0);
    let place = |level: &Level| (frame.x(each(level)), frame.y(level.throughput.value));
    svg.polyline(&levels.iter().map(place).collect::<Vec<_>>(), "kp-line");
    for level in &levels {
        svg.keep_free(place(level), 5.0);
    }
    let knee = report
        .answer
        .as_ref()
        .and_then(|answer| answer.knee.as_ref());
    let is_knee = |level: &Level| knee.is_some_and(|knee| level.is_at(knee.value.into()));
    for level in &levels {
        let words = format!(
            "{} at once: {} {unit} each, {} together",
            level.n,
            number::figure(each(level)),
            number::figure(level.throughput.value)
        );
        svg.point(&words, |svg| {
            svg.circle(place(level), 4.5, "kp-dot kp-series");
        });
    }
    // The knee looks for room first.
    let (knees, others): (Vec<_>, Vec<_>) = levels.iter().partition(|level| is_knee(level));
    for level in knees.into_iter().chain(others) {
        let (x, y) = place(level);
        let (class, words) = if is_knee(level) {
            ("kp-word kp-strong", format!("N = {} (knee)", level.n))
        } else {
            ("kp-word", format!("{}", level.n))
        };
        let places = [
            (x + 9.0, y - 6.0, Anchor::Start),
            (x + 9.0, y + 14.0, Anchor::Start),
            (x - 9.0, y + 14.0, Anchor::End),
            (x - 9.0, y - 6.0, Anchor::End),
            // Past the neighbours where the curve is flat.
            (x - 9.0, y + 20.0, Anchor::End),
            (x - 9.0, y - 12.0, Anchor::End),
        ];
        svg.label(&places, frame.plot, class, &words);
    }
    let summary = format!(
        "Up: more for all. Right: faster for each. The numbers are requests at once, {}.",
        number::counted(levels.len() as u64, "rung")
    );
    Some(Picture::new(
        svg,
        "Speed for each, throughput for all",
        summary,
        table(&levels, unit),
    ))
}
