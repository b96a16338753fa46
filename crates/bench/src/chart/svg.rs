//! A small writer of SVG: elements with classes, texts escaped, numbers finite.
//!
//! It knows where it has put texts and points, so that a label can look for room. No ids, no
//! colours, no scripts: the same picture is always the same text.

use std::fmt::Write;

/// The height of a text, in the picture's units.
pub(super) const TEXT: f64 = 12.0;

/// The width of a character, estimated: a share of the height.
const CHARACTER: f64 = 0.6;

/// Between two words beside each other.
const BETWEEN: f64 = 6.0;

/// What a point has that the tab key reaches, and one that a script moves to. Texts are escaped, so
/// that they never contain either.
pub(super) const REACHED: &str = r#"tabindex="0""#;
pub(super) const ASIDE: &str = r#"tabindex="-1""#;

/// A rectangle in the picture's units; `y` grows downward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }

    fn meets(self, other: Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn holds(self, other: Self) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }
}

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How wide a text is, estimated.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * TEXT * CHARACTER
}

/// The room that a text takes with its baseline's end at a place.
fn text_area(x: f64, y: f64, anchor: Anchor, text: &str) -> Area {
    let width = text_width(text);
    let left = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - width / 2.0,
        Anchor::End => x - width,
    };
    Area {
        left,
        top: y - TEXT,
        right: left + width,
        bottom: y + TEXT * 0.25,
    }
}

/// A picture that grows.
#[derive(Debug, Clone)]
pub(super) struct Svg {
    area: Area,
    body: String,
    taken: Vec<Area>,
}

impl Svg {
    pub(super) const fn new(width: f64, height: f64) -> Self {
        Self {
            area: Area {
                left: 0.0,
                top: 0.0,
                right: width,
                bottom: height,
            },
            body: String::new(),
            taken: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(place);
        self.push(&format!(
            r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#
        ));
    }

    pub(super) fn rect(&mut self, area: Area, class: &str) {
        let [x, y] = [area.left, area.top].map(place);
        let [width, height] = [area.width(), area.height()].map(|length| place(length.max(0.0)));
        self.push(&format!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        ));
    }

    pub(super) fn circle(&mut self, at: (f64, f64), radius: f64, class: &str) {
        let [x, y, r] = [at.0, at.1, radius].map(place);
        self.push(&format!(
            r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}"/>"#
        ));
    }

    /// A line through `points`; fewer than two draw nothing.
    pub(super) fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        if points.len() > 1 {
            self.path(points, "", class);
        }
    }

    /// A closed shape; fewer than three corners draw nothing.
    pub(super) fn polygon(&mut self, corners: &[(f64, f64)], class: &str) {
        if corners.len() > 2 {
            self.path(corners, "Z", class);
        }
    }

    fn path(&mut self, points: &[(f64, f64)], end: &str, class: &str) {
        let mut data = String::new();
        for (index, &(x, y)) in points.iter().enumerate() {
            let step = if index == 0 { 'M' } else { 'L' };
            // Writing to a text never fails.
            let _ = write!(data, "{step}{} {}", place(x), place(y));
        }
        self.push(&format!(r#"<path class="{class}" d="{data}{end}"/>"#));
    }

    /// Two strokes that cross.
    pub(super) fn cross(&mut self, (x, y): (f64, f64), arm: f64, class: &str) {
        self.line((x - arm, y - arm), (x + arm, y + arm), class);
        self.line((x - arm, y + arm), (x + arm, y - arm), class);
    }

    /// A text, moved sideways where it would leave the picture.
    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let room = text_area(x, y, anchor, text);
        let moved = (self.area.right - room.right)
            .min(0.0)
            .max(self.area.left - room.left);
        let room = text_area(x + moved, y, anchor, text);
        self.taken.push(Area {
            left: room.left - BETWEEN,
            right: room.right + BETWEEN,
            ..room
        });
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let ([x, y], text) = ([x + moved, y].map(place), escape(text));
        self.push(&format!(
            r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// A text at the first of `places` where it lies within `bounds` and covers no other text and
    /// nothing that was kept free. Whether there was one.
    pub(super) fn label(
        &mut self,
        places: &[(f64, f64, Anchor)],
        bounds: Area,
        class: &str,
        text: &str,
    ) -> bool {
        let free = |&&(x, y, anchor): &&(f64, f64, Anchor)| {
            let room = text_area(x, y, anchor, text);
            bounds.holds(room)
                && self.area.holds(room)
                && !self.taken.iter().any(|other| other.meets(room))
        };
        let Some(&(x, y, anchor)) = places.iter().find(free) else {
            return false;
        };
        self.text((x, y), anchor, class, text);
        true
    }

    /// Keeps labels away from a place.
    pub(super) fn keep_free(&mut self, (x, y): (f64, f64), radius: f64) {
        self.keep_free_area(Area {
            left: x - radius,
            top: y - radius,
            right: x + radius,
            bottom: y + radius,
        });
    }

    /// Keeps labels away from an area.
    pub(super) fn keep_free_area(&mut self, area: Area) {
        self.taken.push(area);
    }

    /// A point that the keyboard reaches and that reads itself out; `draw` draws it.
    pub(super) fn point(&mut self, words: &str, draw: impl FnOnce(&mut Self)) {
        let words = escape(words);
        self.push(&format!(
            r#"<g class="kp-point" {REACHED} role="img"><title>{words}</title>"#
        ));
        draw(self);
        self.push("</g>");
    }

    /// The whole picture, with its name and what it shows for those who do not see it. It is a group,
    /// not an image: an image would hide its points from screen readers.
    pub(super) fn finish(self, title: &str, summary: &str) -> String {
        let [width, height] = [self.area.right, self.area.bottom].map(place);
        let (title, summary, body) = (escape(title), escape(summary), self.body);
        format!(
            "<svg class=\"kp-chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             role=\"group\"><title>{title}</title><desc>{summary}</desc>\n{body}</svg>"
        )
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

/// A number as a coordinate: one decimal, always finite.
fn place(value: f64) -> String {
    let value = if value.is_finite() {
        value.clamp(-1e5, 1e5)
    } else {
        0.0
    };
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A text as it may stand in an element or an attribute of SVG or HTML. Characters that no XML
/// may hold are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(character),
            _ if character.is_control() => {}
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_from_outside_becomes_an_element() {
        assert_eq!(
            escape("<script>\"&'\u{0}"),
            "&lt;script&gt;&quot;&amp;&#39;"
        );
        let mut svg = Svg::new(100.0, 50.0);
        svg.point("</title><script>", |svg| {
            svg.text((1.0, 20.0), Anchor::Start, "a", "<b>");
        });
        let text = svg.finish("<i>", "</desc>");
        assert!(!text.contains("<script>") && !text.contains("<b>") && !text.contains("<i>"));
    }

    #[test]
    fn a_label_goes_where_there_is_room_or_nowhere() {
        let mut svg = Svg::new(100.0, 50.0);
        let (bounds, here) = (svg.area, (50.0, 20.0, Anchor::Middle));
        assert!(svg.label(&[here], bounds, "a", "knee"));
        assert!(!svg.label(&[here], bounds, "a", "peak"), "taken");
        let beside = (68.0, 20.0, Anchor::Start);
        assert!(!svg.label(&[beside], bounds, "a", "p99"), "would touch");
        assert!(svg.label(&[here, (50.0, 40.0, Anchor::Middle)], bounds, "a", "peak"));
        assert!(
            !svg.label(&[(90.0, 40.0, Anchor::Start)], bounds, "a", "limit"),
            "outside"
        );
    }

    #[test]
    fn every_coordinate_is_finite() {
        assert_eq!(
            [1.0, -0.04, 2.25, 1e9].map(place),
            ["1", "0", "2.2", "100000"]
        );
        assert_eq!([f64::NAN, f64::INFINITY].map(place), ["0", "0"]);
    }
}
