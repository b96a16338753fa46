//! The page.

use kneepoint_bench::plan::{Load, Plan};
use leptos::prelude::*;

use crate::message::{Ask, Endpoint, Job, PromptSource, Told};
use crate::session::Session;

/// The whole page.
#[allow(unreachable_pub, reason = "the macro writes it")]
#[component]
pub(crate) fn App() -> impl IntoView {
    let said = RwSignal::new(String::new());
    let session = StoredValue::new_local(None::<Session>);
    let run = move |_| {
        let started = Session::start(move |told| match told {
            Told::Ready => session.with_value(|session| {
                let job = Job {
                    endpoint: Endpoint::Simulated("default".to_owned()),
                    key: None,
                    model: "m".to_owned(),
                    prompt: PromptSource::Text("Hello!".to_owned()),
                    system: None,
                    nonce: true,
                    max_tokens: Some(100),
                    stream: true,
                    retries: None,
                    timeout_ms: None,
                    plan: Plan {
                        requests: Some(100),
                        ..Plan::new(Load::Closed { concurrency: 6 })
                    },
                };
                if let Some(session) = session {
                    session.ask(&Ask::Begin(job));
                }
            }),
            Told::Done(report) => said.set(report.text()),
            Told::Tick(tick) => said.set(format!("{} done", tick.done)),
            other => said.set(format!("{other:?}")),
        });
        session.set_value(started.ok());
    };
    view! {
        <main>
            <h1>"Kneepoint"</h1>
            <button on:click=run>"Run"</button>
            <pre>{said}</pre>
        </main>
    }
}
