//! How the server is reached, as far as the browser tells.

use kneepoint_bench::number::count;
use kneepoint_bench::report::Connections;
use leptos::prelude::*;

/// A protocol as people write it.
pub(super) fn protocol(name: &str) -> String {
    match name {
        "http/1.1" => "HTTP/1.1".to_owned(),
        "h2" => "HTTP/2".to_owned(),
        "h3" => "HTTP/3".to_owned(),
        other => other.to_owned(),
    }
}

/// The connection panel.
pub(super) fn wire(of: impl Fn() -> Connections + Send + Sync + 'static) -> AnyView {
    let of = StoredValue::new(of);
    let words = move || of.with_value(|of| facts(&of()));
    let notes = move || {
        let notes = of.with_value(|of| of().notes);
        let each = |note: String| view! { <li>{super::form::capital(&note)}"."</li> }.into_any();
        notes.into_iter().map(each).collect::<Vec<AnyView>>()
    };
    view! {
        <section class="wire" data-testid="connections" aria-label="Connections">
            <p>{words}</p>
            <ul>{notes}</ul>
        </section>
    }
    .into_any()
}

fn facts(connections: &Connections) -> String {
    let http = connections.http.as_deref();
    let mut facts = vec![http.map_or_else(|| "Protocol not told".to_owned(), protocol)];
    let opened = connections.opened;
    facts.extend(opened.map(|opened| format!("{} connections opened", count(opened))));
    let reused = connections.reused;
    facts.extend(reused.map(|reused| format!("{} requests on open ones", count(reused))));
    let cap = connections.cap;
    facts.extend(cap.map(|cap| format!("the browser allows {} at once", count(cap.into()))));
    facts.join(" · ")
}
