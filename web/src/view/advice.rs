//! What a result means, below the verdict and in the same size as its small print.

use leptos::prelude::*;

use super::copy::copy;
use crate::advice::Advice;

/// All there is to say.
pub(super) fn advice(all: Vec<Advice>) -> AnyView {
    all.into_iter()
        .map(one)
        .collect::<Vec<AnyView>>()
        .into_any()
}

fn one(advice: Advice) -> AnyView {
    let line = advice.line.map(|line| {
        let copied = line.clone();
        view! {
            <p class="row">
                <code class="line" tabindex="0">{line}</code>
                {copy("copy-advice", "the line", move || copied.clone())}
            </p>
        }
    });
    view! {
        <div class="advice" data-testid=format!("advice-{}", advice.name)>
            <strong>{advice.title}</strong>" "{advice.text}{line}
        </div>
    }
    .into_any()
}
