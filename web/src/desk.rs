//! What the page does when something is pressed or told: the one place that changes the state, but for
//! what is typed, which the form's views write down, and what the window tells of itself, which `app` does.

mod results;

use std::time::Duration;

use kneepoint_bench::json;
use leptos::prelude::*;
use reactive_stores::Store;

use crate::browser;
use crate::form::{Goal, job};
use crate::message::{Ask, Job, Told};
use crate::running::{CutOff, Phase, Running};
use crate::session::Session;
use crate::state::{Source, State, StateStoreFields};

/// What marks a run that is under way, so that a reload can tell of it.
const UNDER_WAY: &str = "kneepoint-under-way";

/// An engine that has told its last is let go so much later, with the key that it was given: to end a worker takes
/// a processor for longer than to draw a picture.
const UNTIL_DRAWN: Duration = Duration::from_secs(1);

/// The page's state, and the engine. Copies are the same desk.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    pub(crate) state: Store<State>,
    /// The key as typed. Here and nowhere else.
    pub(crate) key: RwSignal<String>,
    /// Whether the form is folded to one line, where there is little room.
    pub(crate) folded: RwSignal<bool>,
    /// Whether a button was pressed though something was missing: until then nobody is told so.
    pub(crate) pressed: RwSignal<bool>,
    session: StoredValue<Option<Session>, LocalStorage>,
    /// What the engine is asked once it listens.
    job: StoredValue<Option<Job>, LocalStorage>,
    /// What is told of the run, should a reload cut it off.
    trace: StoredValue<Option<CutOff>>,
}

impl Desk {
    /// An empty desk.
    pub(crate) fn new() -> Self {
        Self {
            state: Store::new(State::default()),
            key: RwSignal::new(String::new()),
            folded: RwSignal::new(true),
            pressed: RwSignal::new(false),
            session: StoredValue::new_local(None),
            job: StoredValue::new_local(None),
            trace: StoredValue::new(None),
        }
    }

    /// Starts a run, or shows what stands in its way.
    pub(crate) fn begin(self, goal: Goal) {
        let form = self.state.form().get_untracked();
        let job = match job(&form, goal, &self.key.get_untracked()) {
            Ok(job) => job,
            Err(faults) => {
                self.folded.set(false);
                self.pressed.set(true);
                if let Some(fault) = faults.first() {
                    let id = format!("field-{}", fault.field.name());
                    request_animation_frame(move || browser::focus(&id));
                }
                return;
            }
        };
        self.state.mishap().set(None);
        self.state.cut_off().set(None);
        results::leave_link();
        let trace = CutOff {
            what: format!("{} · {}", job.model, words(goal)),
            rungs: Vec::new(),
        };
        note(&trace);
        self.trace.set_value(Some(trace));
        let running = Running::begun(goal, job.plan.requests, job.stream);
        self.state.running().set(running);
        self.job.set_value(Some(job));
        self.folded.set(true);
        self.pressed.set(false);
        browser::to_top();
        match Session::start(move |told| self.hear(told)) {
            Ok(session) => self.session.set_value(Some(session)),
            Err(_) => self.hear(Told::Failed(
                "This browser does not let the page start a worker. Use a current browser, or the \
                 command line."
                    .to_owned(),
            )),
        }
    }

    /// Ends the run; what was measured is reported.
    pub(crate) fn stop(self) {
        let was = self.state.running().read_untracked().phase.clone();
        if !self.state.running().write().stop() {
            return;
        }
        if was == Phase::Starting {
            // Nothing was sent yet.
            self.state.running().set(Running::default());
            self.over();
            self.session.set_value(None);
        } else {
            self.ask(&Ask::Stop);
        }
    }

    /// Tells the engine whether the page is seen.
    pub(crate) fn seen(self, visible: bool) {
        self.ask(&Ask::Visible(visible));
    }

    /// Removes every trace of the key.
    pub(crate) fn forget_key(self) {
        self.key.set(String::new());
    }

    fn ask(self, ask: &Ask) {
        self.session.with_value(|session| {
            if let Some(session) = session {
                session.ask(ask);
            }
        });
    }

    fn hear(self, told: Told) {
        match &told {
            Told::Ready => {
                self.ask(&Ask::Visible(!document().hidden()));
                let job = self.job.try_update_value(Option::take).flatten();
                if let Some(job) = job {
                    self.ask(&Ask::Begin(job));
                }
            }
            Told::Rung(rung) => {
                let stream = self.state.running().read_untracked().stream;
                self.trace.update_value(|trace| {
                    if let Some(trace) = trace {
                        trace.add(rung, stream);
                        note(trace);
                    }
                });
            }
            _ => {}
        }
        let goal = self.state.running().read_untracked().goal;
        let is_last = matches!(told, Told::Done(_) | Told::Failed(_));
        let found = self.state.running().write().hear(told);
        if let Some((report, samples)) = found {
            let id = self.keep(&report);
            self.show(report, samples, Source::Measured(goal, id));
        }
        if is_last {
            self.over();
            let session = self.session.try_update_value(Option::take);
            set_timeout(move || drop(session), UNTIL_DRAWN);
        }
    }

    /// Nothing is left of a run but what was measured.
    fn over(self) {
        browser::forget(browser::Stay::Tab, UNDER_WAY);
        self.job.set_value(None);
    }

    /// Says so if a reload cut a run off.
    pub(crate) fn recall(self) {
        let text = browser::kept(browser::Stay::Tab, UNDER_WAY);
        browser::forget(browser::Stay::Tab, UNDER_WAY);
        let cut_off = text.and_then(|text| json::from_str(&text).ok());
        self.state.cut_off().set(cut_off);
    }
}

fn note(trace: &CutOff) {
    browser::keep(browser::Stay::Tab, UNDER_WAY, &json::to_string(trace));
}

/// What a goal is called.
const fn words(goal: Goal) -> &'static str {
    match goal {
        Goal::Run => "run",
        Goal::Knee => "the knee",
    }
}
