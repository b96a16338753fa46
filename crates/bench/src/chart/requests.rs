//! The way of single requests through time, one row each: queued, waiting, decoding, refused or
//! failed.

use super::axis::{Axis, Frame, LINE};
use super::picture::{Entry, Options, Picture, Shape, Table, key, key_lines};
use super::scale::{Domain, Kind};
use super::svg::{Area, Svg, TEXT};
use crate::number::{self, time_ms};
use crate::order;
use crate::record::Sample;

/// Rows of the picture.
const ROWS_MAX: usize = 160;

/// Requests of a closed loop are shown for so many turns of its slots.
const TURNS: usize = 3;

/// How a request is drawn: ways differ in shape, not only in colour.
const KEY: [Entry<'static>; 5] = [
    ("kp-bar kp-queued", Shape::Bar(2), "queued"),
    ("kp-bar kp-wait", Shape::Bar(5), "waiting"),
    ("kp-bar kp-series", Shape::Bar(10), "decoding"),
    ("kp-stroke kp-throttled", Shape::Stroke, "refused"),
    ("kp-cross kp-failed", Shape::Cross, "failed"),
];

/// The first requests of `samples` that belong together: those of `rung`, for a few turns of its
/// `concurrency`. None without one.
pub fn requests(
    samples: &[Sample],
    rung: u32,
    concurrency: Option<u32>,
    options: Options,
) -> Option<Picture> {
    let mut all: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.rung == rung)
        .collect();
    order::by(&mut all, |sample| sample.id as f64);
    order::by(&mut all, |sample| sample.t_sched as f64);
    let turns = concurrency.map_or(ROWS_MAX, |n| n as usize * TURNS);
    let first = &all[..all.len().min(turns.max(ROWS_MAX))];
    let every = first.len().div_ceil(ROWS_MAX).max(1);
    let rows: Vec<&Sample> = first.iter().copied().step_by(every).collect();
    let start = rows.first()?.t_sched;
    let seconds = |at: u64| at.saturating_sub(start) as f64 / 1e6;
    let end = rows
        .iter()
        .map(|sample| seconds(sample.t_end))
        .fold(0.0, f64::max);
    let room = options.width() - 16.0;
    let head = key_lines(&KEY, room) as f64 * LINE;
    let height = head + 60.0 + (rows.len() as f64 * 4.0).clamp(60.0, 320.0);
    let mut svg = Svg::new(options.width(), height);
    key(&mut svg, &KEY, (4.0, TEXT), room);
    let region = options.region(head, height);
    let x = Axis::new(
        Domain::new(Kind::Linear, 0.0, end),
        "seconds since the first was due",
    );
    let y = Axis::new(
        Domain::new(Kind::Linear, 0.0, first.len() as f64),
        "requests begun",
    );
    let frame = Frame::draw(&mut svg, region, &x, &y, 0, 0.0);
    let thick = (frame.plot.height() / rows.len() as f64 * 0.8).min(12.0);
    for (index, sample) in rows.iter().enumerate() {
        let middle = frame.y((index * every) as f64 + every as f64 / 2.0);
        svg.point(&words(sample), |svg| {
            draw(svg, &frame, sample, start, middle, thick);
        });
    }
    let which = if first.len() == all.len() {
        ""
    } else {
        "The first "
    };
    let requests = number::counted(first.len() as u64, "request");
    let chosen = match every {
        1 => "a row for each",
        _ => &format!("a row for one in {every}"),
    };
    let summary = format!("{which}{requests}, {chosen}.");
    Some(Picture::new(
        svg,
        "Requests one by one",
        summary,
        table(&rows),
    ))
}

fn draw(svg: &mut Svg, frame: &Frame, sample: &Sample, start: u64, middle: f64, thick: f64) {
    let x = |at: u64| frame.x(at.saturating_sub(start) as f64 / 1e6);
    let mut bar = |from: u64, to: u64, tenths: f64, class: &str| {
        let half = thick * tenths / 20.0;
        let area = Area {
            left: x(from),
            top: middle - half,
            right: x(to),
            bottom: middle + half,
        };
        if area.width() > 0.0 {
            svg.rect(area, class);
        }
    };
    let sent = sample.t_start.unwrap_or(sample.t_end);
    let first = sample.t_first.unwrap_or(sample.t_end);
    bar(sample.t_sched, sent, 2.0, "kp-bar kp-queued");
    bar(sent, first, 5.0, "kp-bar kp-wait");
    if sample.t_first.is_some() {
        let last = sample.t_last.unwrap_or(sample.t_end);
        bar(first, last, 10.0, "kp-bar kp-series");
    }
    let (end, arm) = (x(sample.t_end), (thick / 2.0).max(2.5));
    if sample.is_refused() {
        svg.line(
            (end, middle - arm),
            (end, middle + arm),
            "kp-stroke kp-throttled",
        );
    } else if sample.is_failed() {
        svg.cross((end, middle), arm, "kp-cross kp-failed");
    }
}

fn words(sample: &Sample) -> String {
    let [queued, first, whole] = times(sample);
    let class = sample.class.as_str();
    format!(
        "request {}: {class}, queued {queued}, first token {first}, whole {whole}",
        sample.id
    )
}

fn times(sample: &Sample) -> [String; 3] {
    [sample.queue_ms(), sample.ttft_ms(), sample.e2e_ms()]
        .map(|time| time_ms(time.unwrap_or(f64::NAN)))
}

fn table(rows: &[&Sample]) -> Table {
    let mut table = Table::new(["request", "ended", "queued", "first token", "whole"]);
    for sample in rows {
        let [queued, first, whole] = times(sample);
        let class = sample.class.as_str().to_owned();
        table.row([sample.id.to_string(), class, queued, first, whole]);
    }
    table
}
