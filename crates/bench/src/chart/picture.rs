//! A picture as it is handed out: the drawing, its words, and the table of what it shows.

use std::fmt::Write;

use super::svg::{ASIDE, Anchor, Area, REACHED, Svg, TEXT, escape, text_width};

/// How a picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The width for which it is laid out, in CSS pixels: texts are 12 high at that width. Default
    /// 640; between 280 and 2000.
    pub width: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 640 }
    }
}

impl Options {
    pub(super) fn width(self) -> f64 {
        f64::from(self.width.clamp(280, 2000))
    }

    /// The part of a drawing from `top` to `bottom`, less its margins.
    pub(super) fn region(self, top: f64, bottom: f64) -> Area {
        Area {
            left: 4.0,
            top,
            right: self.width() - 12.0,
            bottom,
        }
    }

    /// A height that suits the width.
    pub(super) fn height(self) -> f64 {
        (self.width() * 0.5).clamp(240.0, 320.0)
    }
}

/// A drawing with its words and figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it shows, as a heading.
    pub title: String,
    /// What is to be seen in it, in a sentence or two.
    pub summary: String,
    /// The drawing: an `<svg>` element whose colours come from [`STYLE`](super::STYLE).
    pub svg: String,
    /// What it was drawn from.
    pub table: Table,
}

impl Picture {
    pub(super) fn new(svg: Svg, title: &str, summary: String, table: Table) -> Self {
        Self {
            svg: svg.finish(title, &summary),
            title: title.to_owned(),
            summary,
            table,
        }
    }

    /// The drawing with one of its points in the way of the tab key. A script moves from there to the
    /// others; without one take [`svg`](Self::svg), where the tab key reaches each.
    pub fn svg_roving(&self) -> String {
        let Some((head, rest)) = self.svg.split_once(REACHED) else {
            return self.svg.clone();
        };
        format!("{head}{REACHED}{}", rest.replace(REACHED, ASIDE))
    }

    /// The picture as a `<figure>` with heading, summary and the table behind it.
    pub fn figure(&self) -> String {
        figure(self, &self.svg)
    }

    /// The same with a second drawing of it for narrow screens; a media query of
    /// [`STYLE`](super::STYLE) shows one of the two.
    pub fn figure_with_narrow(&self, narrow: &Self) -> String {
        let [wide, narrow] = [("kp-wide", self), ("kp-narrow", narrow)]
            .map(|(class, picture)| format!("<div class=\"{class}\">{}</div>", picture.svg));
        figure(self, &format!("{wide}\n{narrow}"))
    }
}

fn figure(picture: &Picture, drawing: &str) -> String {
    let [title, summary] = [&picture.title, &picture.summary].map(|text| escape(text));
    let table = picture.table.html();
    format!(
        "<figure class=\"kp-figure\">\n<figcaption><strong>{title}</strong> <span>{summary}</span></figcaption>\n\
         {drawing}\n<details><summary>Table</summary>\n{table}</details>\n</figure>\n"
    )
}

/// Figures in rows, written as people read them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The names of the columns.
    pub head: Vec<String>,
    /// The rows; the first cell names its row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self {
            head: head.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// As an HTML `<table>` in a box that scrolls sideways.
    pub fn html(&self) -> String {
        let mut out = "<div class=\"kp-scroll\" tabindex=\"0\"><table>\n<thead><tr>".to_owned();
        for name in &self.head {
            let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (index, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                let _ = if index == 0 {
                    write!(out, "<th scope=\"row\">{cell}</th>")
                } else {
                    write!(out, "<td>{cell}</td>")
                };
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n");
        out
    }
}

/// What a mark of a key looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A line.
    Line,
    /// A filled bar; the number is its share of the height in tenths.
    Bar(u8),
    /// A cross.
    Cross,
    /// A short upright stroke.
    Stroke,
}

/// An entry of a key: its class, its shape, its word.
pub(super) type Entry<'a> = (&'a str, Shape, &'a str);

/// The width of a mark in a key.
const MARK: f64 = 16.0;

/// Between two entries of a key.
const GAP: f64 = 12.0;

/// How many lines a key takes at a width.
pub(super) fn key_lines(entries: &[Entry<'_>], width: f64) -> usize {
    places(entries, width)
        .last()
        .map_or(0, |(_, line)| line + 1)
}

/// Writes a key from the left, wrapped at `width`; `y` is the baseline of its first line.
pub(super) fn key(svg: &mut Svg, entries: &[Entry<'_>], (left, y): (f64, f64), width: f64) {
    for ((x, line), &(class, shape, word)) in places(entries, width).into_iter().zip(entries) {
        let (x, y) = (left + x, y + line as f64 * super::axis::LINE);
        let middle = y - TEXT * 0.33;
        match shape {
            Shape::Line => svg.line((x, middle), (x + MARK - 4.0, middle), class),
            Shape::Bar(tenths) => {
                let half = TEXT * f64::from(tenths) / 20.0;
                let area = Area {
                    left: x,
                    top: middle - half,
                    right: x + MARK - 4.0,
                    bottom: middle + half,
                };
                svg.rect(area, class);
            }
            Shape::Cross => svg.cross((x + 6.0, middle), 4.0, class),
            Shape::Stroke => svg.line((x + 6.0, middle - 5.0), (x + 6.0, middle + 5.0), class),
        }
        svg.text((x + MARK, y), Anchor::Start, "kp-word", &cut(word, width));
    }
}

/// As much of a word as has room beside its mark.
fn cut(word: &str, width: f64) -> String {
    let room = width - MARK;
    if text_width(word) <= room {
        return word.to_owned();
    }
    let kept = (room / text_width("x")) as usize;
    let begin: String = word.chars().take(kept.saturating_sub(1)).collect();
    format!("{begin}…")
}

fn places(entries: &[Entry<'_>], width: f64) -> Vec<(f64, usize)> {
    let (mut x, mut line) = (0.0, 0);
    let mut out = Vec::new();
    for (_, _, word) in entries {
        let wide = MARK + text_width(&cut(word, width));
        if x > 0.0 && x + wide > width {
            (x, line) = (0.0, line + 1);
        }
        out.push((x, line));
        x += wide + GAP;
    }
    out
}
