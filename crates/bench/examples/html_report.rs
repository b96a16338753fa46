//! Climbs to the knee of a simulated GPU server and prints the result as one HTML file:
//!
//! ```sh
//! cargo run --example html_report > report.html
//! cargo run --example html_report -- run > run.html        # a plain run
//! cargo run --example html_report -- limited > limited.html
//! ```

use kneepoint_bench::ladder::Options;
use kneepoint_bench::plan::{Load, Plan, Prompts};
use kneepoint_bench::record::Sample;
use kneepoint_bench::{Control, Listener, RunError, Target, export, run};
use kneepoint_core::platform::sim::{Batching, ServerModel, Sim, Units};
use kneepoint_core::{Config, Provider};

/// Keeps every request that counts.
#[derive(Default)]
struct Keep(Vec<Sample>);

impl Listener for Keep {
    fn sample(&mut self, sample: &Sample, measured: bool) {
        if measured {
            self.0.push(sample.clone());
        }
    }
}

fn main() -> Result<(), RunError> {
    let which = std::env::args().nth(1).unwrap_or_default();
    let answers = Units {
        median: 60.0,
        sigma: 0.4,
        step: None,
    };
    // A step takes 20 ms and half a millisecond for each request that it works on.
    let gpu = ServerModel {
        batching: Some(Batching {
            fixed: 0.02,
            linear: 0.0005,
            square: 0.0,
        }),
        units: answers,
        stream_pieces: 20,
        slots: Some(48),
        queues: which != "limited",
        errors: if which == "run" { 0.02 } else { 0.0 },
        ..ServerModel::default()
    };
    let sim = Sim::new(1);
    sim.serve("https://gpu.test", gpu);
    let mut config = Config::new(Provider::compatible("https://gpu.test/v1"));
    config.retry.retries_max = Some(0);
    let target = Target {
        stream: true,
        ..Target::new(config, Prompts::text("simulated-7b", "Hello!"))
    };
    let plan = if which == "run" {
        Plan {
            requests: Some(600),
            ..Plan::new(Load::Closed { concurrency: 64 })
        }
    } else {
        Plan::new(Load::Ladder(Options::local()))
    };
    let mut kept = Keep::default();
    let report = sim.run(run(&sim, &target, &plan, &Control::new(), &mut kept))?;
    println!("{}", export::html(&report, &kept.0));
    Ok(())
}
