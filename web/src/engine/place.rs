//! Where the engine runs, for the report.

use kneepoint_bench::report::Environment;
use kneepoint_core::platform::Platform;

use super::agent::Agent;

/// How often the clock is read to find its step.
const READS_MAX: usize = 100_000;

/// So many steps are looked at; the smallest counts.
const STEPS: usize = 20;

/// What is known of this browser.
pub(super) fn environment(agent: Agent, platform: &impl Platform) -> Environment {
    Environment {
        runtime: agent.runtime,
        os: agent.os,
        clock_step_us: clock_step_us(platform),
        started_unix_ms: None,
        browser: true,
    }
}

/// The step of the clock, as measured: browsers round it. None where it did not move while it was
/// looked at.
fn clock_step_us(platform: &impl Platform) -> Option<u64> {
    let mut steps = Vec::new();
    let mut last = platform.now();
    for _ in 0..READS_MAX {
        let now = platform.now();
        if now > last {
            steps.push((now - last).as_micros() as u64);
            last = now;
        }
        if steps.len() == STEPS {
            break;
        }
    }
    steps.into_iter().min()
}
