//! One picture: its heading, the drawing with a read-out, and the table behind it.

use kneepoint_bench::chart::Picture;
use leptos::ev::{FocusEvent, KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, SvgElement};

/// A picture. `test` names it.
pub(super) fn picture(test: &'static str, picture: Picture, wide: bool) -> AnyView {
    let box_ = NodeRef::<Div>::new();
    let said = RwSignal::new(String::new());
    let hair = NodeRef::<Div>::new();
    let point = move |at: Option<Element>| read_out(box_, hair, said, at.as_ref());
    let moved = move |event: PointerEvent| {
        let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
        point(nearest(box_, x, y));
    };
    let focused = move |event: FocusEvent| point(closest(&event));
    let pressed = move |event: KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => 1,
            "ArrowLeft" | "ArrowUp" => -1,
            "Home" => isize::MIN,
            "End" => isize::MAX,
            _ => return,
        };
        if let Some(next) = neighbour(box_, step) {
            event.prevent_default();
            let _ = next.focus();
        }
    };
    let svg = picture.svg_roving();
    let table = picture.table.html();
    let summary = picture.summary;
    // What is pointed at takes the summary's place: nothing moves.
    let line = move || {
        if said.read().is_empty() {
            summary.clone()
        } else {
            said.get()
        }
    };
    view! {
        <figure class="kp-figure" class:wide=wide data-testid=format!("picture-{test}")>
            <figcaption>
                <strong>{picture.title}</strong>
                <span class:pointed=move || !said.read().is_empty() data-testid=format!("readout-{test}")>{line}</span>
            </figcaption>
            <div class="plot" on:pointermove=moved on:pointerleave=move |_| point(None)
                on:focusin=focused on:keydown=pressed>
                <div node_ref=box_ inner_html=svg></div>
                <div class="hair" node_ref=hair hidden></div>
            </div>
            <details><summary>"Table"</summary><div inner_html=table></div></details>
        </figure>
    }
    .into_any()
}

/// All points of a drawing, in their order.
fn points(drawing: NodeRef<Div>) -> Vec<SvgElement> {
    let Some(drawing) = drawing.get_untracked() else {
        return Vec::new();
    };
    let Ok(found) = drawing.query_selector_all(".kp-point") else {
        return Vec::new();
    };
    let all = (0..found.length()).filter_map(|index| found.get(index));
    all.filter_map(|point| point.dyn_into().ok()).collect()
}

/// The point that is nearest to a place on the screen.
fn nearest(drawing: NodeRef<Div>, x: f64, y: f64) -> Option<Element> {
    let distance = |point: &SvgElement| {
        let area = point.get_bounding_client_rect();
        let dx = (area.left() - x).max(x - area.right()).max(0.0);
        let dy = (area.top() - y).max(y - area.bottom()).max(0.0);
        // Along the axis counts more: a reader looks for "at 32", not for "at 1,300".
        dx * 4.0 + dy
    };
    let all = points(drawing).into_iter();
    let nearest = all.min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.map(Into::into)
}

/// The point that an event is about.
fn closest(event: &FocusEvent) -> Option<Element> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(".kp-point").ok().flatten()
}

/// The point `step` away from the one with the keyboard on it.
fn neighbour(drawing: NodeRef<Div>, step: isize) -> Option<SvgElement> {
    let all = points(drawing);
    let active = document().active_element()?;
    let at = all
        .iter()
        .position(|point| active.is_same_node(Some(point)))?;
    let last = all.len().checked_sub(1)?;
    all.into_iter()
        .nth(at.saturating_add_signed(step).min(last))
}

/// Says what a point shows, and draws a hairline through it.
fn read_out(
    drawing: NodeRef<Div>,
    hair: NodeRef<Div>,
    said: RwSignal<String>,
    point: Option<&Element>,
) {
    let (Some(drawing), Some(hair)) = (drawing.get_untracked(), hair.get_untracked()) else {
        return;
    };
    let hair: &HtmlElement = &hair;
    hair.set_hidden(point.is_none());
    let Some(point) = point else {
        return said.set(String::new());
    };
    let words = point.query_selector("title").ok().flatten();
    said.set(
        words
            .and_then(|title| title.text_content())
            .unwrap_or_default(),
    );
    let (area, around) = (
        point.get_bounding_client_rect(),
        drawing.get_bounding_client_rect(),
    );
    let middle = f64::midpoint(area.left(), area.right()) - around.left();
    // Through the object model, which the page's policy allows; an attribute it would not.
    let _ = hair.style().set_property("left", &format!("{middle}px"));
}
