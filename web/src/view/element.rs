//! Elements, made by hand and kept in step by Leptos's effects.
//!
//! Leptos's own views make a type of each element, and code for each type: for a page of this size
//! that is more than a hundred kilobytes. Here every element has the same type, and what changes is a
//! closure behind a pointer. Texts become text nodes. Markup goes in by [`Element::drawing`], and where a
//! picture is drawn anew, and is only such as this program wrote.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{Event, HtmlElement};

/// An element that is being made.
#[must_use = "an element that is put nowhere is not seen"]
#[derive(Clone)]
pub struct Element(web_sys::Element);

/// An element of this name.
#[allow(clippy::missing_panics_doc, reason = "cannot be reached")]
pub fn element(name: &str) -> Element {
    let made = document().create_element(name);
    Element(made.expect("the names of elements are written in this program"))
}

/// The same with a class.
pub fn classed(name: &str, class: &str) -> Element {
    element(name).attr("class", class)
}

/// A paragraph of a class.
pub fn paragraph(class: &str, text: &str) -> Element {
    classed("p", class).text(text)
}

/// A button that does something.
pub fn button(class: &str, test: &str, press: impl Fn() + 'static) -> Element {
    let made = classed("button", class).attr("type", "button").test(test);
    made.on("click", move |_| press())
}

/// A part that is folded at first.
pub fn folded(class: &str, test: &str, summary: &str) -> Element {
    let summary = element("summary").text(summary);
    classed("details", class).test(test).with(summary)
}

/// The same of something that is made when it is unfolded for the first time, and follows nothing.
pub fn folded_later(
    test: &str,
    summary: &str,
    make: impl FnOnce() -> Element + 'static,
) -> Element {
    let make: RefCell<Option<Box<dyn FnOnce() -> Element>>> = RefCell::new(Some(Box::new(make)));
    let fold = folded("", test, summary);
    let place = fold.node().clone();
    fold.on("toggle", move |_| {
        let make = make.borrow_mut().take();
        if let Some(make) = make {
            append(&place, &make().0);
        }
    })
}

/// Does the steps one a frame, the first at once, so that none of them keeps the page from answering.
/// They end early when `place`, which they fill, is no longer in the document.
pub fn by_frames(place: &web_sys::Element, steps: Vec<Step>) {
    next_frame(place.clone(), Owner::current(), steps.into_iter());
}

/// Something to be done once.
pub type Step = Box<dyn FnOnce()>;

fn next_frame(place: web_sys::Element, owner: Option<Owner>, mut steps: std::vec::IntoIter<Step>) {
    let Some(step) = steps.next() else { return };
    match &owner {
        Some(owner) => owner.with(step),
        None => step(),
    }
    if steps.len() > 0 {
        request_animation_frame(move || {
            if place.is_connected() {
                next_frame(place, owner, steps);
            }
        });
    }
}

/// Does something now, and again whenever a signal that it read has changed, as long as what is being
/// made is there.
pub fn follow(run: impl Fn() + 'static) {
    follow_boxed(Box::new(run));
}

fn follow_boxed(run: Box<dyn Fn()>) {
    let effect = RenderEffect::new(move |_| run());
    // It lives as long as its owner.
    StoredValue::new_local(effect);
}

impl Element {
    /// The element of the document.
    pub fn node(&self) -> &web_sys::Element {
        &self.0
    }

    /// Sets an attribute.
    pub fn attr(self, name: &str, value: &str) -> Self {
        set(&self.0, name, Some(value));
        self
    }

    /// Names it for tests.
    pub fn test(self, name: &str) -> Self {
        self.attr("data-testid", name)
    }

    /// Puts an element inside, behind what is there.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "it is put there and nowhere else"
    )]
    pub fn with(self, child: Self) -> Self {
        append(&self.0, &child.0);
        self
    }

    /// Puts elements inside.
    pub fn with_all(mut self, children: Vec<Self>) -> Self {
        for child in children {
            self = self.with(child);
        }
        self
    }

    /// Puts one inside, if there is one.
    pub fn with_some(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.with(child),
            None => self,
        }
    }

    /// Puts a text inside.
    pub fn text(self, text: &str) -> Self {
        append(&self.0, &document().create_text_node(text));
        self
    }

    /// Puts a text inside that follows what it is made from.
    pub fn says(self, text: impl Fn() -> String + 'static) -> Self {
        let node = document().create_text_node("");
        append(&self.0, &node);
        let text: Box<dyn Fn() -> String> = Box::new(text);
        follow(move || {
            let text = text();
            if node.data() != text {
                node.set_data(&text);
            }
        });
        self
    }

    /// Fills it with markup of our own.
    pub fn drawing(self, markup: &str) -> Self {
        self.0.set_inner_html(markup);
        self
    }

    /// An attribute that follows; none takes it away.
    pub fn attr_of(self, name: &'static str, value: impl Fn() -> Option<String> + 'static) -> Self {
        let (node, value): (_, Box<dyn Fn() -> Option<String>>) = (self.0.clone(), Box::new(value));
        follow(move || set(&node, name, value().as_deref()));
        self
    }

    /// An attribute without a value that follows.
    pub fn flag(self, name: &'static str, is: impl Fn() -> bool + 'static) -> Self {
        self.attr_of(name, move || is().then(String::new))
    }

    /// A class that follows.
    pub fn class_if(self, class: &'static str, is: impl Fn() -> bool + 'static) -> Self {
        let (node, is): (_, Box<dyn Fn() -> bool>) = (self.0.clone(), Box::new(is));
        follow(move || {
            // A class without spaces is always taken.
            let _ = node.class_list().toggle_with_force(class, is());
        });
        self
    }

    /// A property that follows, such as what stands in a box.
    pub fn prop(self, name: &'static str, value: impl Fn() -> JsValue + 'static) -> Self {
        let (node, value): (_, Box<dyn Fn() -> JsValue>) = (self.0.clone(), Box::new(value));
        follow(move || {
            let value = value();
            let now = js_sys::Reflect::get(&node, &name.into()).unwrap_or_default();
            if now != value {
                // Elements take any property.
                let _ = js_sys::Reflect::set(&node, &name.into(), &value);
            }
        });
        self
    }

    /// Hears an event.
    pub fn on(self, event: &str, hear: impl Fn(Event) + 'static) -> Self {
        let heard: Closure<dyn Fn(Event)> = Closure::new(hear);
        let heard = heard.into_js_value();
        // The names of events are written in this program.
        let _ = self
            .0
            .add_event_listener_with_callback(event, heard.unchecked_ref());
        self
    }

    /// Holds one thing at a time: another whenever `key` has changed.
    pub fn swap(
        self,
        key: impl Fn() -> String + 'static,
        build: impl Fn(&str) -> Option<Self> + 'static,
    ) -> Self {
        swap(self.0.clone(), Box::new(key), Box::new(build));
        self
    }
}

fn append(parent: &web_sys::Element, child: &web_sys::Node) {
    // A node without a parent can be put anywhere.
    let _ = parent.append_child(child);
}

fn set(node: &web_sys::Element, name: &str, value: Option<&str>) {
    let now = node.get_attribute(name);
    if now.as_deref() == value {
        return;
    }
    // The names of attributes are written in this program.
    let _ = match value {
        Some(value) => node.set_attribute(name, value),
        None => node.remove_attribute(name),
    };
}

type Build = Box<dyn Fn(&str) -> Option<Element>>;

fn swap(place: web_sys::Element, key: Box<dyn Fn() -> String>, build: Build) {
    // What is built belongs to whoever holds the place, and not to one turn of the effect.
    let parent = Owner::current().unwrap_or_default();
    let now: Rc<RefCell<Option<(String, Owner)>>> = Rc::default();
    follow(move || {
        let next = key();
        if now.borrow().as_ref().is_some_and(|(key, _)| *key == next) {
            return;
        }
        if let Some((_, owner)) = now.take() {
            owner.cleanup();
        }
        let owner = parent.child();
        let active = document().active_element();
        let held_the_keyboard = active.is_some_and(|active| place.contains(Some(&active)));
        let made = untrack(|| owner.with(|| build(&next)));
        place.set_inner_html("");
        if let Some(made) = made {
            append(&place, &made.0);
        }
        if held_the_keyboard {
            keyboard_to_first_button(&place);
        }
        now.replace(Some((next, owner)));
    });
}

/// Where the keyboard stays when what it was on has gone.
fn keyboard_to_first_button(place: &web_sys::Element) {
    let button = place.query_selector("button").ok().flatten();
    if let Some(button) = button.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        // One that cannot be focused leaves it to the document.
        let _ = button.focus();
    }
}

/// The text in the box that an event is about.
pub fn value_of(event: &Event) -> String {
    property(event, "value").as_string().unwrap_or_default()
}

/// Whether the box that an event is about is ticked.
pub fn checked_of(event: &Event) -> bool {
    property(event, "checked").is_truthy()
}

fn property(event: &Event, name: &str) -> JsValue {
    let target = event.target().map(JsValue::from).unwrap_or_default();
    js_sys::Reflect::get(&target, &name.into()).unwrap_or_default()
}
