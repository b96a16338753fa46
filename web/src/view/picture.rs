//! One picture: its heading, the drawing with a read-out, and the table behind it.

use std::rc::Rc;

use kneepoint_bench::chart::Picture;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element as Node, Event, HtmlElement, KeyboardEvent, PointerEvent, SvgElement};

use super::element::{Element, classed, element, folded_later};

/// A picture. `test` names it; a wide one has a row for itself.
pub fn picture(test: &str, picture: &Picture, wide: bool) -> Element {
    let said = RwSignal::new(String::new());
    let summary = picture.summary.clone();
    // What is pointed at takes the summary's place: nothing moves.
    let line = move || {
        if said.read().is_empty() {
            summary.clone()
        } else {
            said.get()
        }
    };
    let drawing = element("div").drawing(&picture.svg_roving());
    let hair = classed("div", "hair").attr("hidden", "");
    let reader = Rc::new(Reader {
        drawing: drawing.node().clone(),
        hair: hair.node().clone(),
        said,
    });
    let [moved, left, focused, pressed] = std::array::from_fn(|_| reader.clone());
    let plot = classed("div", "plot")
        .with(drawing)
        .with(hair)
        .on("pointermove", move |event| {
            moved.show(moved.nearest(&event).as_ref());
        })
        .on("pointerleave", move |_| left.show(None))
        .on("focusin", move |event| {
            focused.show(closest(&event).as_ref());
        })
        .on("keydown", move |event| pressed.step(&event));
    let read_out = element("span")
        .class_if("pointed", move || !said.read().is_empty())
        .test(&("readout-".to_owned() + test))
        .says(line);
    let table = picture.table.clone();
    let table = folded_later(&("table-".to_owned() + test), "Table", move || {
        element("div").drawing(&table.html())
    });
    classed("figure", if wide { "kp-figure wide" } else { "kp-figure" })
        .test(&("picture-".to_owned() + test))
        .with(
            element("figcaption")
                .with(element("strong").text(&picture.title))
                .with(read_out),
        )
        .with(plot)
        .with(table)
}

/// Reads the points of a drawing out.
struct Reader {
    drawing: Node,
    hair: Node,
    said: RwSignal<String>,
}

impl Reader {
    /// All points, in their order.
    fn points(&self) -> Vec<SvgElement> {
        let Ok(found) = self.drawing.query_selector_all(".kp-point") else {
            return Vec::new();
        };
        let all = (0..found.length()).filter_map(|index| found.get(index));
        all.filter_map(|point| point.dyn_into().ok()).collect()
    }

    /// The point that is nearest to a place on the screen.
    fn nearest(&self, event: &Event) -> Option<Node> {
        let event: &PointerEvent = event.dyn_ref()?;
        let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
        let distance = |point: &SvgElement| {
            let area = point.get_bounding_client_rect();
            let dx = (area.left() - x).max(x - area.right()).max(0.0);
            let dy = (area.top() - y).max(y - area.bottom()).max(0.0);
            // Along the axis counts more: a reader looks for "at 32", not for "at 1,300".
            dx * 4.0 + dy
        };
        let all = self
            .points()
            .into_iter()
            .map(|point| (distance(&point), point));
        let nearest = all.min_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map(|(_, point)| point.into())
    }

    /// Moves the keyboard from one point to another.
    fn step(&self, event: &Event) {
        let key = event.dyn_ref::<KeyboardEvent>().map(KeyboardEvent::key);
        let step = match key.as_deref() {
            Some("ArrowRight" | "ArrowDown") => 1,
            Some("ArrowLeft" | "ArrowUp") => -1,
            Some("Home") => isize::MIN,
            Some("End") => isize::MAX,
            _ => return,
        };
        let all = self.points();
        let active = document().active_element();
        let at = all.iter().position(|point| {
            active
                .as_ref()
                .is_some_and(|active| active.is_same_node(Some(point)))
        });
        if let (Some(at), Some(last)) = (at, all.len().checked_sub(1)) {
            event.prevent_default();
            let next = at.saturating_add_signed(step).min(last);
            // A point that cannot be focused leaves the keyboard where it is.
            let _ = all[next].focus();
        }
    }

    /// Says what a point shows, and draws a hairline through it.
    fn show(&self, point: Option<&Node>) {
        let hair: &HtmlElement = self.hair.unchecked_ref();
        hair.set_hidden(point.is_none());
        let Some(point) = point else {
            return self.said.set(String::new());
        };
        let words = point.query_selector("title").ok().flatten();
        let words = words.and_then(|title| title.text_content());
        self.said.set(words.unwrap_or_default());
        let area = point.get_bounding_client_rect();
        let around = self.drawing.get_bounding_client_rect();
        let middle = f64::midpoint(area.left(), area.right()) - around.left();
        // Through the object model, which the page's policy allows; an attribute it would not.
        let _ = hair
            .style()
            .set_property("left", &(middle.round().to_string() + "px"));
    }
}

/// The point that an event is about.
fn closest(event: &Event) -> Option<Node> {
    let target: Node = event.target()?.dyn_into().ok()?;
    target.closest(".kp-point").ok().flatten()
}
