//! The stage: one simulated server, one target, and a listener that keeps everything.

use kneepoint_bench::plan::{Load, Plan, Prompts};
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Connections, Report, Rung};
use kneepoint_bench::{Control, Listener, RunError, Target, Tick, run};
use kneepoint_core::platform::sim::{Latency, ServerModel, ServerPlan, Sim, Truth};
use kneepoint_core::{Config, Provider};

/// Everything that a listener was told, and what it answers about connections.
#[derive(Default)]
pub(crate) struct Notebook {
    pub(crate) ticks: Vec<Tick>,
    pub(crate) measured: Vec<Sample>,
    pub(crate) warmup: Vec<Sample>,
    pub(crate) rungs: Vec<Rung>,
    pub(crate) connections: Connections,
    /// Stops the run once so many requests have ended.
    pub(crate) stop_after: Option<(u64, Control)>,
    /// Takes back what is in flight once this much time has passed, in seconds.
    pub(crate) abort_at: Option<(f64, Control)>,
}

impl Listener for Notebook {
    fn tick(&mut self, tick: &Tick) {
        if let Some((done, control)) = &self.stop_after
            && tick.done >= *done
        {
            control.stop();
        }
        if let Some((second, control)) = &self.abort_at
            && tick.t_s >= *second
        {
            control.abort();
        }
        self.ticks.push(tick.clone());
    }

    fn sample(&mut self, sample: &Sample, measured: bool) {
        let list = if measured {
            &mut self.measured
        } else {
            &mut self.warmup
        };
        list.push(sample.clone());
    }

    fn rung(&mut self, rung: &Rung) {
        self.rungs.push(rung.clone());
    }

    fn connections(&mut self) -> Connections {
        self.connections.clone()
    }
}

/// A world with one server.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) truth: Truth,
    pub(crate) target: Target,
    pub(crate) notebook: Notebook,
    pub(crate) control: Control,
}

impl Stage {
    pub(crate) fn new(seed: u64, server: impl Into<ServerPlan>) -> Self {
        let sim = Sim::new(seed);
        let truth = sim.serve("https://llm.test", server);
        Self {
            sim,
            truth,
            target: target("https://llm.test/v1"),
            notebook: Notebook::default(),
            control: Control::new(),
        }
    }

    pub(crate) fn try_run(&mut self, plan: &Plan) -> Result<Report, RunError> {
        let (sim, target) = (&self.sim, &self.target);
        sim.run(run(sim, target, plan, &self.control, &mut self.notebook))
    }

    pub(crate) fn run(&mut self, plan: &Plan) -> Report {
        self.try_run(plan).expect("it can run")
    }
}

pub(crate) fn target(url: &str) -> Target {
    let config = Config::new(Provider::compatible(url));
    Target::new(config, Prompts::text("small", "Hello!"))
}

/// So many requests, so many at a time.
pub(crate) fn closed(requests: u64, concurrency: u32) -> Plan {
    Plan {
        requests: Some(requests),
        ..Plan::new(Load::Closed { concurrency })
    }
}

/// A server that takes so many seconds, more or less by `sigma`.
pub(crate) fn taking(median: f64, sigma: f64) -> ServerModel {
    ServerModel {
        latency: Latency {
            median,
            per_unit: 0.0,
            sigma,
        },
        ..ServerModel::default()
    }
}
