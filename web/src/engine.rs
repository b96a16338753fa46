//! The engine's side: carries jobs out and tells how they go. Runs in a worker, so that drawing
//! never delays what is measured.

pub mod agent;
mod network;
mod observer;
mod page;
mod place;
pub mod shards;
mod target;
pub mod wire;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use kneepoint_bench::report::Report;
use kneepoint_bench::{Control, RunError, run};
use kneepoint_core::ConfigError;
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::web::Web;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use self::agent::Agent;
use self::network::Network;
use self::observer::Observer;
use self::page::{Page, Shade};
use self::target::Prepared;
use self::wire::Wire;
use crate::message::{Ask, Endpoint, Job, Told};

/// So many requests are sent at once at most. Chromium lets 1350 be under way in a page and its
/// workers together, and fails what comes on top of them.
pub const AT_ONCE_MAX: u32 = 1280;

/// After a wish to stop, what is in flight may go on for so long. With the two ticks that it takes
/// to see the wish and to take the rest back it is less than a second.
const STOP_PATIENCE: Duration = Duration::from_millis(400);

/// The browser notes a request when its body has ended, which may be after its answer has.
const NOTED_LATE: Duration = Duration::from_millis(50);

/// Listens for what the page asks.
pub(crate) fn start(scope: &DedicatedWorkerGlobalScope) {
    let shade = Rc::new(RefCell::new(Shade::default()));
    let under_way: RefCell<Control> = RefCell::default();
    let page = Page::new(scope.clone());
    let told = page.clone();
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let text = event.data().as_string().unwrap_or_default();
        match Ask::from_json(&text) {
            Ok(Ask::Begin(job)) => {
                let control = Control::new();
                under_way.replace(control.clone());
                let work = carry_out(job, control, told.clone(), shade.clone());
                wasm_bindgen_futures::spawn_local(work);
            }
            Ok(Ask::Stop) => wasm_bindgen_futures::spawn_local(stop(under_way.borrow().clone())),
            Ok(Ask::Visible(visible)) => shade.borrow_mut().turn(visible, js_sys::Date::now()),
            Err(error) => told.tell(&Told::Failed(error.to_string())),
        }
    });
    scope.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    heard.forget();
    page.tell(&Told::Ready);
}

async fn stop(control: Control) {
    control.stop();
    if let Ok(web) = Web::new() {
        web.sleep(STOP_PATIENCE).await;
    }
    control.abort();
}

async fn carry_out(job: Job, control: Control, page: Page, shade: Rc<RefCell<Shade>>) {
    shade.borrow_mut().begin(js_sys::Date::now());
    let told = match measure(job, &control, page.clone()).await {
        Ok(mut report) => {
            let hidden = shade.borrow().note(js_sys::Date::now());
            report.method.notes.extend(hidden);
            Told::Done(report)
        }
        Err(reason) => Told::Failed(reason),
    };
    page.tell(&told);
}

async fn measure(job: Job, control: &Control, page: Page) -> Result<Report, String> {
    let scope = page.scope().clone();
    let origin = scope.location().origin();
    let agent = Agent::read(&scope.navigator().user_agent().unwrap_or_default());
    let network = match &job.endpoint {
        Endpoint::Simulated(_) => Network::spread(&origin).await,
        Endpoint::Direct { .. } | Endpoint::Proxy { .. } => Network::plain(),
    };
    let network = network.map_err(|error| error.to_string())?;
    let family = agent.family;
    let Prepared {
        mut target,
        plan,
        notes,
    } = target::prepare(job, &origin, network.is_spread()).await?;
    target.environment = place::environment(agent, &network);
    let observer = Observer::new(Wire::new(family), scope.performance());
    let mut listener = page.listen(observer, network.clone());
    let outcome = run(&network, &target, &plan, control, &mut listener).await;
    let mut report = outcome.map_err(|error| match error {
        // As the form calls it, not a program.
        RunError::Config(ConfigError {
            option: "apiKey",
            found,
            expected,
        }) => ["Key: found ", &found, ", expected ", expected].concat(),
        other => other.to_string(),
    })?;
    network.sleep(NOTED_LATE).await;
    report.protocol = listener.known();
    report.method.notes.extend(notes);
    Ok(report)
}
