//! How the server is reached, as far as the browser tells.

use std::rc::Rc;

use super::element::{Element, classed, element};
use kneepoint_bench::number::{capital, count, counted};
use kneepoint_bench::report::Connections;

/// A protocol as people write it.
pub(super) fn protocol(name: &str) -> &str {
    match name {
        "http/1.1" => "HTTP/1.1",
        "h2" => "HTTP/2",
        "h3" => "HTTP/3",
        other => other,
    }
}

/// The connection panel.
pub(super) fn wire(of: impl Fn() -> Connections + 'static) -> Element {
    let of = Rc::new(of);
    let told = of.clone();
    let notes = move || told().notes.join("\n");
    let list = |notes: &str| {
        let note = |note: &str| element("li").text(&capital(note)).text(".");
        Some(element("ul").with_all(notes.lines().map(note).collect()))
    };
    classed("section", "wire")
        .test("connections")
        .attr("aria-label", "Connections")
        .with(element("p").says(move || facts(&of())))
        .with(element("div").swap(notes, list))
}

fn facts(connections: &Connections) -> String {
    let http = connections.http.as_deref();
    let mut facts = vec![
        http.map_or("The browser does not tell the protocol", protocol)
            .to_owned(),
    ];
    let opened = connections.opened;
    facts.extend(opened.map(|opened| counted(opened, "connection") + " opened"));
    let reused = connections.reused;
    facts.extend(reused.map(|reused| counted(reused, "request") + " on open ones"));
    let cap = connections.cap;
    facts.extend(cap.map(|cap| format!("the browser allows {} at once", count(cap.into()))));
    facts.join(" · ")
}
