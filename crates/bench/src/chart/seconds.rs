//! What happened when: requests in flight and tokens per second, with refusals and failures as ticks
//! between the two.

use super::axis::{Axis, Frame, LINE};
use super::picture::{Entry, Options, Picture, Shape, Table, key, key_lines};
use super::scale::{Domain, Kind};
use super::svg::{Anchor, Area, Svg, TEXT};
use crate::number;
use crate::report::{Moment, Report, Rung};

/// Steps along the time, a read-out each; more would make the keyboard's way through them endless.
const COLUMNS_MAX: usize = 90;

/// The height of the strip of ticks.
const STRIP: f64 = 26.0;

/// How far from the middle of a moment the ticks stand that share it.
const ASIDE: f64 = 5.0;

/// Between two moments further apart than this share of their length something else went on.
const HOLE: f64 = 0.5;

/// What the ticks between the two plots mean.
const KEY: [Entry<'static>; 2] = [
    ("kp-stroke kp-throttled", Shape::Stroke, "refused (429)"),
    ("kp-cross kp-failed", Shape::Cross, "failed"),
];

/// In flight and tokens (or answers) per second over the time of a run. None without a moment.
pub fn over_time(report: &Report, options: Options) -> Option<Picture> {
    let of_rung = |rung: &Rung| Stretch {
        concurrency: rung.concurrency,
        moments: rung.timeline.clone(),
    };
    let rungs: Vec<Stretch> = report.rungs.iter().map(of_rung).collect();
    moments(&rungs, options)
}

/// The same of moments that were noted while a run is under way. None without one.
pub fn moments(noted: &[Stretch], options: Options) -> Option<Picture> {
    let stretches = whole(noted);
    let all = || stretches.iter().flat_map(|one| &one.moments);
    let unit = Unit {
        tokens: all().any(|moment| moment.tokens > 0.0),
    };
    let start = all().next()?.t_s;
    let end = all()
        .map(|moment| moment.t_s + moment.duration_s)
        .fold(start, f64::max);
    let room = options.width() - 16.0;
    let top = key_lines(&KEY, room) as f64 * LINE;
    let panel = options.height() * 0.55;
    let height = top + 2.0 * panel + STRIP + 2.0 * LINE;
    let mut svg = Svg::new(options.width(), height);
    key(&mut svg, &KEY, (4.0, TEXT), room);
    let domain = Domain::new(Kind::Linear, start, end);
    let (shared, time) = (Axis::new(domain, ""), Axis::new(domain, "seconds"));
    let flight = Axis::new(
        Domain::from_zero(all().map(|moment| moment.in_flight)),
        "in flight",
    );
    let rates = Axis::new(
        Domain::from_zero(all().map(|moment| unit.rate(moment))),
        unit.name(),
    );
    let gutter = flight.gutter(panel).max(rates.gutter(panel));
    let upper = Frame::draw(
        &mut svg,
        options.region(top, top + panel),
        &shared,
        &flight,
        0,
        gutter,
    );
    let lower = Frame::draw(
        &mut svg,
        options.region(top + panel + STRIP, height),
        &time,
        &rates,
        0,
        gutter,
    );
    for one in &stretches {
        steps(
            &mut svg,
            &upper,
            &one.moments,
            |moment| moment.in_flight,
            "kp-series",
        );
        steps(
            &mut svg,
            &lower,
            &one.moments,
            |moment| unit.rate(moment),
            "kp-second",
        );
    }
    if stretches.len() > 1 {
        levels(&mut svg, &upper, &stretches);
    }
    let moments: Vec<Moment> = stretches
        .iter()
        .flat_map(|one| one.moments.clone())
        .collect();
    columns(
        &mut svg,
        [&upper, &lower],
        top + panel + STRIP * 0.5,
        &moments,
        unit,
    );
    let [ok, refused, failed] = [
        |m: &Moment| m.ok,
        |m: &Moment| m.refused,
        |m: &Moment| m.failed,
    ]
    .map(|of| moments.iter().map(of).fold(0, u64::saturating_add));
    let summary = format!(
        "{}: {}, {} refused, {} failed.",
        number::time_ms((end - start) * 1000.0),
        number::counted(ok, "answer"),
        number::count(refused),
        number::count(failed)
    );
    Some(Picture::new(
        svg,
        "In flight and throughput over time",
        summary,
        table(&moments, unit),
    ))
}

/// What is counted per second.
#[derive(Debug, Clone, Copy)]
struct Unit {
    tokens: bool,
}

impl Unit {
    const fn name(self) -> &'static str {
        if self.tokens { "tok/s" } else { "answers/s" }
    }

    fn rate(self, moment: &Moment) -> f64 {
        let amount = if self.tokens {
            moment.tokens
        } else {
            moment.ok as f64
        };
        amount / moment.duration_s.max(1e-6)
    }
}

/// Moments of one rung, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stretch {
    /// The rung's concurrency; none where requests are sent at given times.
    pub concurrency: Option<u32>,
    /// What happened when.
    pub moments: Vec<Moment>,
}

/// Stretches without a hole in them, so many neighbours joined that about [`COLUMNS_MAX`] moments
/// are left.
fn whole(noted: &[Stretch]) -> Vec<Stretch> {
    let total: usize = noted.iter().map(|one| one.moments.len()).sum();
    let size = total.div_ceil(COLUMNS_MAX).max(1);
    let is_usable = |moment: &&Moment| {
        let values = [
            moment.t_s,
            moment.duration_s,
            moment.in_flight,
            moment.tokens,
        ];
        values
            .iter()
            .all(|value| value.is_finite() && *value >= 0.0)
    };
    let is_whole = |a: &Moment, b: &Moment| b.t_s <= a.t_s + a.duration_s * (1.0 + HOLE);
    let mut out = Vec::new();
    for one in noted {
        let moments: Vec<Moment> = one.moments.iter().filter(is_usable).copied().collect();
        for whole in moments.chunk_by(is_whole) {
            out.push(Stretch {
                concurrency: one.concurrency,
                moments: coarse(whole, size),
            });
        }
    }
    out
}

/// Joins each `size` moments, and a short one at the end with the one before it: the rate of an
/// instant says nothing.
fn coarse(moments: &[Moment], size: usize) -> Vec<Moment> {
    let mut out: Vec<Moment> = moments.chunks(size).map(Moment::joined).collect();
    if let [.., before, last] = out[..]
        && last.duration_s < before.duration_s / 2.0
    {
        out.truncate(out.len() - 2);
        out.push(Moment::joined(&[before, last]));
    }
    out
}

/// A line of steps over its shaded ground.
fn steps(
    svg: &mut Svg,
    frame: &Frame,
    moments: &[Moment],
    of: impl Fn(&Moment) -> f64,
    class: &str,
) {
    let corners = moments.iter().flat_map(|moment| {
        let y = frame.y(of(moment));
        [
            (frame.x(moment.t_s), y),
            (frame.x(moment.t_s + moment.duration_s), y),
        ]
    });
    let corners: Vec<_> = corners.collect();
    if let (Some(first), Some(last)) = (corners.first(), corners.last()) {
        let ground = [(last.0, frame.plot.bottom), (first.0, frame.plot.bottom)];
        let shape: Vec<_> = corners.iter().copied().chain(ground).collect();
        svg.polygon(&shape, &format!("kp-band {class}"));
    }
    svg.polyline(&corners, &format!("kp-line kp-steps {class}"));
}

/// The concurrency of each rung above its line, where there is room.
fn levels(svg: &mut Svg, frame: &Frame, stretches: &[Stretch]) {
    for one in stretches {
        if let (Some(n), Some(first)) = (one.concurrency, one.moments.first()) {
            let top = one
                .moments
                .iter()
                .map(|moment| moment.in_flight)
                .fold(0.0, f64::max);
            let (x, y) = (frame.x(first.t_s), frame.y(top) - 5.0);
            let bounds = Area {
                top: frame.plot.top - LINE,
                ..frame.plot
            };
            svg.label(&[(x, y, Anchor::Start)], bounds, "kp-tick", &n.to_string());
        }
    }
}

/// Read-outs as columns that nobody sees until they are pointed at, with the ticks of the strip.
fn columns(svg: &mut Svg, [upper, lower]: [&Frame; 2], strip: f64, moments: &[Moment], unit: Unit) {
    for moment in moments {
        let words = format!(
            "{} s: {} in flight, {} {}, {} refused, {} failed",
            number::figure(moment.t_s),
            number::figure(moment.in_flight),
            number::figure(unit.rate(moment)),
            unit.name(),
            number::count(moment.refused),
            number::count(moment.failed)
        );
        let (left, right) = (upper.x(moment.t_s), upper.x(moment.t_s + moment.duration_s));
        let column = Area {
            left,
            top: upper.plot.top,
            right: right.max(left + 1.0),
            bottom: lower.plot.bottom,
        };
        let middle = f64::midpoint(left, right);
        svg.point(&words, |svg| {
            svg.rect(column, "kp-column");
            // Two marks of one moment stand beside each other: on top of each other they look like a third.
            let aside = if moment.refused > 0 && moment.failed > 0 {
                ASIDE
            } else {
                0.0
            };
            if moment.refused > 0 {
                svg.line(
                    (middle - aside, strip - 7.0),
                    (middle - aside, strip + 7.0),
                    "kp-stroke kp-throttled",
                );
            }
            if moment.failed > 0 {
                svg.cross((middle + aside, strip), 4.0, "kp-cross kp-failed");
            }
        });
    }
}

fn table(moments: &[Moment], unit: Unit) -> Table {
    let mut table = Table::new([
        "from, s",
        "in flight",
        unit.name(),
        "answers",
        "refused",
        "failed",
    ]);
    for moment in moments {
        table.row([
            number::figure(moment.t_s),
            number::figure(moment.in_flight),
            number::figure(unit.rate(moment)),
            number::count(moment.ok),
            number::count(moment.refused),
            number::count(moment.failed),
        ]);
    }
    table
}
