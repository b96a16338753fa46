//! The page's components in a browser: elements that follow, pictures that can be read with the
//! keyboard.
#![cfg(target_arch = "wasm32")]

use kneepoint_bench::chart::{self, Options};
use kneepoint_web::example::example;
use kneepoint_web::view::element::{button, classed, element};
use kneepoint_web::view::picture::picture;
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, HtmlElement, KeyboardEvent, KeyboardEventInit};

wasm_bindgen_test_configure!(run_in_browser);

/// Runs what makes elements as the page does, and puts them into the document.
fn shown(make: impl FnOnce() -> kneepoint_web::view::element::Element + 'static) -> Element {
    let there = std::rc::Rc::new(std::cell::RefCell::new(None));
    let kept = there.clone();
    // Leptos starts its executor with it; what it mounts itself is nothing.
    mount_to_body(move || {
        kept.replace(Some(make()));
    });
    let node = there.borrow().as_ref().expect("it was made").node().clone();
    let body = document().body().expect("there is a body");
    body.append_child(&node).expect("a new node");
    node
}

fn text(node: &Element) -> String {
    node.text_content().unwrap_or_default()
}

#[wasm_bindgen_test]
async fn texts_and_attributes_follow_what_they_are_made_from() {
    let count = RwSignal::new(1);
    let node = shown(move || {
        element("p")
            .text("<b>")
            .says(move || count.get().to_string())
            .attr_of("data-odd", move || (count.get() % 2 == 1).then(String::new))
            .class_if("many", move || count.get() > 1)
    });
    assert_eq!(
        (text(&node), node.has_attribute("data-odd")),
        ("<b>1".to_owned(), true)
    );
    assert!(
        node.query_selector("b").expect("a selector").is_none(),
        "a text stays a text"
    );
    count.set(2);
    tick().await;
    assert_eq!(
        (text(&node), node.has_attribute("data-odd")),
        ("<b>2".to_owned(), false)
    );
    assert!(node.class_list().contains("many"));
}

#[wasm_bindgen_test]
async fn what_is_swapped_is_made_once_for_each_key_and_then_let_go() {
    let (key, made, inner) = (RwSignal::new("a"), RwSignal::new(0), RwSignal::new(0));
    let runs = StoredValue::new(0);
    let node = shown(move || {
        element("div").swap(
            move || key.get().to_owned(),
            move |name| {
                made.update(|made| *made += 1);
                let says = move || {
                    runs.update_value(|runs| *runs += 1);
                    inner.get().to_string()
                };
                Some(element("p").text(name).says(says))
            },
        )
    });
    assert_eq!((text(&node), made.get_untracked()), ("a0".to_owned(), 1));
    key.set("a");
    tick().await;
    assert_eq!(made.get_untracked(), 1, "the same key, the same element");
    key.set("b");
    tick().await;
    assert_eq!((text(&node), made.get_untracked()), ("b0".to_owned(), 2));
    let before = runs.get_value();
    inner.set(7);
    tick().await;
    assert_eq!(text(&node), "b7");
    assert_eq!(
        runs.get_value(),
        before + 1,
        "what was taken away follows no more"
    );
}

#[wasm_bindgen_test]
fn a_button_can_be_pressed() {
    let pressed = RwSignal::new(0);
    let node = shown(move || {
        classed("div", "row").with(button("main", "go", move || {
            pressed.update(|times| *times += 1);
        }))
    });
    let found = node.query_selector("[data-testid=go]").expect("a selector");
    found
        .expect("the button")
        .unchecked_into::<HtmlElement>()
        .click();
    assert_eq!(pressed.get_untracked(), 1);
}

#[wasm_bindgen_test]
async fn a_picture_is_read_with_the_arrow_keys() {
    let drawn = chart::throughput(&example(), Options::default()).expect("there are rungs");
    let summary = drawn.summary.clone();
    let node = shown(move || picture("throughput", &drawn, true));
    let find = |selector: &str| {
        node.query_selector(selector)
            .expect("a selector")
            .expect("it is there")
    };
    let said = || text(&find("[data-testid=readout-throughput]"));
    assert_eq!(said(), summary);
    let reached = node
        .query_selector_all("[tabindex='0'].kp-point")
        .expect("a selector");
    assert_eq!(reached.length(), 1, "the tab key stops once");
    let press = |key: &str| {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_bubbles(true);
        let event =
            KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).expect("an event");
        let active = document().active_element().expect("a point");
        active.dispatch_event(&event).expect("heard");
    };
    find(".kp-point")
        .unchecked_into::<HtmlElement>()
        .focus()
        .expect("it can be reached");
    tick().await;
    assert!(said().starts_with("1 at once: "), "{}", said());
    press("ArrowRight");
    tick().await;
    press("End");
    tick().await;
    assert!(said().starts_with("64 at once: "), "{}", said());
    assert!(
        !find(".hair").has_attribute("hidden"),
        "a hairline shows where"
    );
    let tables = || node.query_selector_all("table").expect("a selector");
    assert_eq!(tables().length(), 0, "nobody has asked for the table");
    let fold = find("[data-testid=table-throughput]");
    for _ in 0..2 {
        let unfolded = web_sys::Event::new("toggle").expect("an event");
        fold.dispatch_event(&unfolded).expect("heard");
        assert_eq!(tables().length(), 1);
    }
    assert!(text(&find("table")).contains("at once"));
}
