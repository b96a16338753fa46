//! A million calls through the client, with what it promises checked at every step.

use std::cell::Cell;
use std::rc::Rc;

use kneepoint_core::LaneStats;
use kneepoint_core::adapt::Options;
use kneepoint_core::platform::sim::{Latency, ServerModel, Sim};

use super::kneepoint::Kneepoint;
use super::run::{self, Call, Caller, URL};

const CALLS: usize = 1_000_000;
const WORKERS: usize = 400;
const CEILING: u32 = 256;
const SLOTS: u32 = 64;

/// Runs them and prints how long it took.
#[allow(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(crate) fn run() {
    let started = std::time::Instant::now();
    let sim = Sim::new(1);
    let server = ServerModel {
        slots: Some(SLOTS),
        latency: Latency {
            median: 0.5,
            per_unit: 0.0,
            sigma: 0.3,
        },
        ..ServerModel::default()
    };
    let truth = sim.serve(URL, server);
    truth.keep_requests(0);
    let rule = Options {
        ceiling: CEILING,
        ..Options::default()
    };
    let client = Rc::new(Kneepoint::new(&sim, rule));
    let next = Rc::new(Cell::new(0));
    let answered = Rc::new(Cell::new(0));
    for _ in 0..WORKERS {
        let (client, next, answered) = (Rc::clone(&client), Rc::clone(&next), Rc::clone(&answered));
        let truth = truth.clone();
        let worker = async move {
            loop {
                let number = next.replace(next.get() + 1);
                if number >= CALLS {
                    return;
                }
                let report = client
                    .call(Call {
                        body: run::body(number),
                    })
                    .await;
                assert!(report.answered, "call {number} was lost");
                answered.set(answered.get() + 1);
                let seen = lane(&client);
                let counts = truth.counts();
                assert!(seen.in_flight <= CEILING, "in flight: {seen:?}");
                assert!(
                    (1.0..=f64::from(CEILING)).contains(&seen.limit),
                    "limit: {seen:?}"
                );
                assert!(
                    counts.in_flight <= SLOTS.min(seen.in_flight),
                    "server: {counts:?}"
                );
                assert!(seen.rate.is_none_or(|rate| rate >= 0.05), "rate: {seen:?}");
                assert!(seen.queued <= WORKERS, "queue: {seen:?}");
            }
        };
        kneepoint_core::platform::Platform::spawn(&sim, worker);
    }
    while answered.get() < CALLS {
        sim.advance(std::time::Duration::from_mins(1));
    }
    let (counts, seen) = (truth.counts(), lane(&client));
    assert_eq!(answered.get(), CALLS);
    assert_eq!(counts.accepted, CALLS as u64, "each call was answered once");
    assert_eq!(counts.requests, counts.accepted + counts.rejected);
    assert_eq!(
        (counts.aborted, counts.in_flight, seen.in_flight),
        (0, 0, 0)
    );
    assert_eq!(
        (sim.timers(), sim.tasks()),
        (0, 0),
        "nothing is left running"
    );
    println!(
        "{CALLS} calls, {} attempts, {} steps, {:.0} simulated seconds: {:.1} s",
        counts.requests,
        sim.steps(),
        sim.now().as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
}

/// The figures of the one lane that is used.
fn lane(kneepoint: &Kneepoint) -> LaneStats {
    let stats = kneepoint.client.stats();
    stats.lanes.into_iter().next().expect("a call was made")
}
