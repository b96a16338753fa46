//! The engine's side: carries jobs out and tells how they go. Runs in a worker, so that drawing
//! never delays what is measured.

mod target;

use kneepoint_bench::report::Rung;
use kneepoint_bench::{Control, Listener, Tick, run};
use kneepoint_core::platform::web::Web;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::message::{Ask, Job, Told};

/// Listens for what the page asks.
pub(crate) fn start(scope: DedicatedWorkerGlobalScope) {
    let page = Page(scope);
    let under_way: RefCell<Control> = RefCell::default();
    let told = page.clone();
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let text = event.data().as_string().unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(Ask::Begin(job)) => {
                let control = Control::new();
                under_way.replace(control.clone());
                wasm_bindgen_futures::spawn_local(carry_out(job, control, told.clone()));
            }
            Ok(Ask::Stop) => under_way.borrow().stop(),
            Err(error) => told.tell(&Told::Failed(error.to_string())),
        }
    });
    page.0.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    heard.forget();
    page.tell(&Told::Ready);
}

async fn carry_out(job: Job, control: Control, mut page: Page) {
    let outcome = async {
        let web = Web::new().map_err(|error| error.to_string())?;
        let (target, plan) = target::of(job, &page.0.location().origin())?;
        run(&web, &target, &plan, &control, &mut page)
            .await
            .map_err(|error| error.to_string())
    };
    let outcome = outcome.await;
    page.tell(&match outcome {
        Ok(report) => Told::Done(report),
        Err(reason) => Told::Failed(reason),
    });
}

/// Where everything is told.
#[derive(Clone)]
struct Page(DedicatedWorkerGlobalScope);

impl Page {
    fn tell(&self, told: &Told) {
        let json = serde_json::to_string(told).expect("texts, numbers and lists are JSON");
        // It fails only for values that cannot be cloned, which a text can.
        let _ = self.0.post_message(&json.into());
    }
}

impl Listener for Page {
    fn tick(&mut self, tick: &Tick) {
        self.tell(&Told::Tick(tick.clone()));
    }

    fn rung(&mut self, rung: &Rung) {
        self.tell(&Told::Rung(rung.clone()));
    }
}
