//! Where everything is told: the page, by messages, a few times a second at most.

use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Connections, Rung, hidden_note};
use kneepoint_bench::{Listener, Tick};
use web_sys::DedicatedWorkerGlobalScope;

use super::network::Network;
use super::observer::Observer;
use crate::message::{SAMPLES_MAX, Samples, Told};

/// Who is told.
#[derive(Clone)]
pub(super) struct Page(DedicatedWorkerGlobalScope);

impl Page {
    pub(super) const fn new(scope: DedicatedWorkerGlobalScope) -> Self {
        Self(scope)
    }

    pub(super) const fn scope(&self) -> &DedicatedWorkerGlobalScope {
        &self.0
    }

    pub(super) fn tell(&self, told: &Told) {
        // It fails only for values that cannot be cloned, which a text can.
        let _ = self.0.post_message(&told.to_json().into());
    }

    /// Tells of one run.
    pub(super) fn listen(self, observer: Observer, network: Network) -> Run {
        Run {
            page: self,
            observer,
            network,
            connections: Connections::default(),
            samples: Samples {
                every: 1,
                list: Vec::new(),
            },
            kept: 0,
        }
    }
}

/// A run that is told of.
pub(super) struct Run {
    page: Page,
    observer: Observer,
    network: Network,
    /// What was told last.
    connections: Connections,
    /// What is told next.
    samples: Samples,
    /// How many requests the page keeps.
    kept: usize,
}

impl Run {
    /// All that is known of how the server was reached.
    pub(super) fn known(&self) -> Connections {
        self.observer.wire().connections(self.network.names())
    }

    fn tell_samples(&mut self) {
        if self.samples.list.is_empty() {
            return;
        }
        let every = self.samples.every;
        let told = Samples {
            every,
            list: std::mem::take(&mut self.samples.list),
        };
        self.page.tell(&Told::Samples(told));
        if self.kept > SAMPLES_MAX {
            self.samples.every = every * 2;
            self.kept /= 2;
        }
    }
}

impl Listener for Run {
    fn tick(&mut self, tick: &Tick) {
        self.tell_samples();
        let known = self.observer.wire().told(self.network.names());
        if known != self.connections {
            self.page.tell(&Told::Connections(known.clone()));
            self.connections = known;
        }
        self.page.tell(&Told::Tick(tick.clone()));
    }

    fn sample(&mut self, sample: &Sample, measured: bool) {
        if measured && sample.id.is_multiple_of(self.samples.every) {
            self.samples.list.push(sample.clone());
            self.kept += 1;
        }
    }

    fn rung(&mut self, rung: &Rung) {
        self.tell_samples();
        self.page.tell(&Told::Rung(rung.clone()));
    }

    fn connections(&mut self) -> Connections {
        self.known()
    }
}

/// For how long the page was out of sight during a run. Times are milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Shade {
    began: f64,
    hidden_since: Option<f64>,
    hidden_ms: f64,
}

impl Shade {
    pub(super) fn begin(&mut self, now: f64) {
        self.began = now;
        self.hidden_ms = 0.0;
        self.hidden_since = self.hidden_since.map(|_| now);
    }

    pub(super) fn turn(&mut self, visible: bool, now: f64) {
        match (self.hidden_since, visible) {
            (Some(since), true) => {
                self.hidden_ms += now - since;
                self.hidden_since = None;
            }
            (None, false) => self.hidden_since = Some(now),
            _ => {}
        }
    }

    /// What a report must say about it.
    pub(super) fn note(&self, now: f64) -> Option<String> {
        let hidden_ms = self.hidden_ms + self.hidden_since.map_or(0.0, |since| now - since);
        let [hidden, whole] = [hidden_ms, now - self.began].map(|ms| (ms / 1000.0).round());
        (hidden >= 1.0).then(|| hidden_note(hidden, whole))
    }
}
