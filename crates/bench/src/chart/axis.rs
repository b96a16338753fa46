//! The frame of a plot: two axes with as many ticks as have room, their titles, and marks above it.

use super::scale::{Domain, Tick};
use super::svg::{Anchor, Area, Svg, TEXT, text_width};

/// The height of a line of text.
pub(super) const LINE: f64 = 17.0;

/// Between the tick's label and the plot.
const GAP: f64 = 8.0;

/// One axis: what it covers and in which unit. A horizontal one without a title is that of the plot
/// below it, and has no labels of its own.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) domain: Domain,
    pub(super) title: String,
}

impl Axis {
    pub(super) fn new(domain: Domain, title: &str) -> Self {
        let log = if domain.is_log() { " (log)" } else { "" };
        Self {
            domain,
            title: format!("{title}{log}"),
        }
    }

    fn rows(&self, height: f64) -> Vec<Tick> {
        self.domain.ticks((height / 36.0) as usize + 1)
    }

    /// How much room the labels of a vertical axis of this height take.
    pub(super) fn gutter(&self, height: f64) -> f64 {
        let widths = self
            .rows(height)
            .into_iter()
            .map(|tick| text_width(&tick.label));
        widths.fold(0.0, f64::max) + GAP
    }

    /// Ticks whose labels do not touch on an axis of this length.
    fn columns(&self, length: f64) -> Vec<Tick> {
        let apart = |ticks: &[Tick]| {
            ticks.windows(2).all(|pair| {
                let place = |tick: &Tick| self.domain.share(tick.value) * length;
                let widths = text_width(&pair[0].label) + text_width(&pair[1].label);
                place(&pair[1]) - place(&pair[0]) >= widths / 2.0 + GAP
            })
        };
        let most = ((length / 44.0) as usize).clamp(1, 12);
        let fitting = (1..=most).rev().map(|most| self.domain.ticks(most));
        fitting
            .into_iter()
            .find(|ticks| apart(ticks))
            .unwrap_or_default()
    }
}

/// A plot's frame, drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Where data may be drawn.
    pub(super) plot: Area,
    x: Domain,
    y: Domain,
}

impl Frame {
    /// Draws the axes of a plot into `region`. The title of the vertical axis stands above it,
    /// followed by `head` lines for marks. `gutter` is the least room on the left.
    pub(super) fn draw(
        svg: &mut Svg,
        region: Area,
        x: &Axis,
        y: &Axis,
        head: usize,
        gutter: f64,
    ) -> Self {
        let top = region.top + LINE + 6.0 + head as f64 * LINE;
        let shared = x.title.is_empty();
        let below = if shared { 8.0 } else { 2.0 * LINE + 8.0 };
        let bottom = region.bottom - below;
        let plot = Area {
            left: region.left + gutter.max(y.gutter(bottom - top)),
            top,
            right: region.right,
            bottom,
        };
        let frame = Self {
            plot,
            x: x.domain,
            y: y.domain,
        };
        svg.text(
            (region.left, region.top + TEXT),
            Anchor::Start,
            "kp-title",
            &y.title,
        );
        for tick in y.rows(plot.height()) {
            let at = frame.y(tick.value);
            svg.line((plot.left, at), (plot.right, at), "kp-grid");
            svg.text(
                (plot.left - GAP, at + 4.0),
                Anchor::End,
                "kp-tick",
                &tick.label,
            );
        }
        let columns = x.columns(plot.width());
        for tick in columns.iter().filter(|_| !shared) {
            let at = frame.x(tick.value);
            svg.line((at, plot.bottom), (at, plot.bottom + 4.0), "kp-axis");
            svg.text(
                (at, plot.bottom + LINE + 3.0),
                Anchor::Middle,
                "kp-tick",
                &tick.label,
            );
        }
        svg.line(
            (plot.left, plot.bottom),
            (plot.right, plot.bottom),
            "kp-axis",
        );
        let title = (plot.right, plot.bottom + 2.0 * LINE + 3.0);
        svg.text(title, Anchor::End, "kp-title", &x.title);
        frame
    }

    /// The place of a value from left to right.
    pub(super) fn x(&self, value: f64) -> f64 {
        self.plot.left + self.x.share(value) * self.plot.width()
    }

    /// The place of a value from bottom to top.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.plot.bottom - self.y.share(value) * self.plot.height()
    }

    /// Upright lines with their words above the plot. Words without room in the `head` lines there
    /// are left out: the line stays, and the table has them.
    pub(super) fn marks(&self, svg: &mut Svg, marks: &[Mark], head: usize) {
        for (value, words) in marks {
            let x = self.x(*value);
            svg.line((x, self.plot.top - 4.0), (x, self.plot.bottom), "kp-mark");
            let rows = (0..head).map(|row| self.plot.top - 8.0 - row as f64 * LINE);
            let aside = (self.plot.right - x).min(text_width(words) / 2.0);
            let places: Vec<_> = rows
                .flat_map(|y| {
                    [
                        (x, y, Anchor::Middle),
                        (x + aside, y, Anchor::End),
                        (x - 4.0, y, Anchor::Start),
                        (x + 4.0, y, Anchor::End),
                    ]
                })
                .collect();
            let bounds = Area {
                left: 0.0,
                top: 0.0,
                ..self.plot
            };
            svg.label(&places, bounds, "kp-word", words);
            svg.keep_free_area(Area {
                left: x - 2.0,
                right: x + 2.0,
                ..self.plot
            });
        }
    }
}

/// A value on the horizontal axis and the words above it.
pub(super) type Mark = (f64, String);

/// How many lines the words of `marks` take above a plot that is about `length` long.
pub(super) fn mark_lines(marks: &[Mark], domain: Domain, length: f64) -> usize {
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    for (value, words) in marks {
        let half = text_width(words) / 2.0;
        let middle = (domain.share(*value) * length).min(length - half).max(0.0);
        let (from, to) = (middle - half - GAP, middle + half + GAP);
        let is_free =
            |line: &&mut Vec<(f64, f64)>| line.iter().all(|one| to <= one.0 || one.1 <= from);
        match lines.iter_mut().find(is_free) {
            Some(line) => line.push((from, to)),
            None => lines.push(vec![(from, to)]),
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::scale::Kind;

    #[test]
    fn words_that_would_touch_take_another_line() {
        let domain = Domain::new(Kind::Linear, 0.0, 100.0);
        let marks = |at: [f64; 2]| at.map(|at| (at, "knee 32".to_owned()));
        assert_eq!(mark_lines(&marks([10.0, 90.0]), domain, 500.0), 1);
        assert_eq!(mark_lines(&marks([45.0, 55.0]), domain, 500.0), 2);
        assert_eq!(mark_lines(&[], domain, 500.0), 0);
    }

    #[test]
    fn a_narrow_axis_has_fewer_ticks() {
        let axis = Axis::new(Domain::new(Kind::Doublings, 1.0, 256.0), "at once");
        assert_eq!(axis.title, "at once (log)");
        let labels = |length| axis.columns(length).len();
        assert_eq!((labels(600.0), labels(200.0)), (9, 3));
        assert!(labels(1.0) <= 1);
    }
}
