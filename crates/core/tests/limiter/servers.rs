//! What the limiter finds out about simulated servers, and how it behaves on them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use kneepoint_core::adapt::{self, Refusal, Snapshot};
use kneepoint_core::limiter::{Limiter, Options, Outcome};
use kneepoint_core::platform::sim::{Bucket, Latency, ServerModel, Sim, Truth};
use kneepoint_core::platform::{Body, Platform};
use kneepoint_core::{Headers, HttpRequest, Method};

const URL: &str = "https://llm.test/";

/// A server under steady demand from more callers than it can bear.
struct Demand {
    sim: Sim,
    limiter: Limiter<Sim>,
    truth: Truth,
    answered: Rc<Cell<u64>>,
    /// When each attempt was sent, and when each refusal's hint let the next one go.
    sends: Rc<RefCell<Vec<f64>>>,
    hinted_until: Rc<Cell<f64>>,
    /// One place for each connection that is open.
    connections: Limiter<Sim>,
}

impl Demand {
    fn on(server: ServerModel, ceiling: u32, seed: u64) -> Self {
        Self::with(server, ceiling, seed, u32::MAX)
    }

    /// Over connections of which so many open every 0.3 seconds.
    fn with(server: ServerModel, ceiling: u32, seed: u64, opening: u32) -> Self {
        let sim = Sim::new(seed);
        let truth = sim.serve(URL, server);
        let rule = adapt::Options {
            ceiling,
            ..adapt::Options::default()
        };
        let limiter = Limiter::new(
            sim.clone(),
            Options {
                rule,
                ..Options::default()
            },
        );
        let demand = Self {
            limiter,
            truth,
            answered: Rc::default(),
            sends: Rc::default(),
            hinted_until: Rc::default(),
            connections: connections(&sim, opening),
            sim,
        };
        for worker in 0..ceiling + 8 {
            demand.spawn(worker);
        }
        demand
    }

    fn spawn(&self, worker: u32) {
        let (sim, limiter, answered) = (
            self.sim.clone(),
            self.limiter.clone(),
            Rc::clone(&self.answered),
        );
        let (sends, hinted_until) = (Rc::clone(&self.sends), Rc::clone(&self.hinted_until));
        let connections = self.connections.clone();
        self.sim.spawn(async move {
            for number in 0_u64.. {
                let mut permit = limiter
                    .acquire(limiter.position(0))
                    .await
                    .expect("room in the queue");
                let now = sim.now().as_secs_f64();
                assert!(
                    now >= hinted_until.get(),
                    "sent before the hint's end (seed {})",
                    sim.seed()
                );
                sends.borrow_mut().push(now);
                let permitted = sim.now();
                let connection = connections
                    .acquire(connections.position(0))
                    .await
                    .expect("a connection");
                permit.waited(sim.now() - permitted);
                let body = Some(format!("{worker}-{number}").into());
                let headers = Headers::new();
                let request = HttpRequest {
                    method: Method::Post,
                    url: URL.into(),
                    headers,
                    body,
                    handle: None,
                    whole: None,
                };
                let (head, mut body) = sim.fetch(request).await.expect("an answer");
                while body.chunk().await.expect("a whole body").is_some() {}
                drop(connection);
                if head.status == 200 {
                    answered.set(answered.get() + 1);
                    permit.settle(Outcome::Succeeded {
                        units: None,
                        tokens: None,
                    });
                } else {
                    let hint = head
                        .headers
                        .get("retry-after")
                        .map(|text| text.parse().expect("seconds"));
                    let until = sim.now().as_secs_f64() + hint.unwrap_or(0.0);
                    hinted_until.set(hinted_until.get().max(until));
                    let hint = hint.map(Duration::from_secs_f64);
                    let overload = head.status == 503;
                    permit.settle(Outcome::Refused(Refusal { hint, overload }));
                }
            }
        });
    }

    /// Looks at the limiter every hundredth of a second for so long.
    fn watch(&self, seconds: u64) -> Vec<Snapshot> {
        (0..seconds * 100)
            .map(|_| {
                self.sim.advance(Duration::from_millis(10));
                self.limiter.snapshot()
            })
            .collect()
    }
}

fn connections(sim: &Sim, opening: u32) -> Limiter<Sim> {
    let rule = adapt::Options {
        ceiling: opening,
        adaptive: false,
        ..adapt::Options::default()
    };
    let connections = Limiter::new(
        sim.clone(),
        Options {
            rule,
            ..Options::default()
        },
    );
    if opening < u32::MAX {
        let (open, world) = (connections.clone(), sim.clone());
        sim.spawn(async move {
            for times in 2..1000 {
                world.sleep(Duration::from_millis(300)).await;
                open.set_ceiling(opening * times);
            }
        });
    }
    connections
}

fn slots(slots: u32, seconds: f64) -> ServerModel {
    let latency = Latency {
        median: seconds,
        per_unit: 0.0,
        sigma: 0.0,
    };
    ServerModel {
        slots: Some(slots),
        latency,
        ..ServerModel::default()
    }
}

fn bucket(rate: f64, burst: f64, seconds: f64) -> ServerModel {
    let latency = Latency {
        median: seconds,
        per_unit: 0.0,
        sigma: 0.3,
    };
    ServerModel {
        requests: Some(Bucket { rate, burst }),
        latency,
        ..ServerModel::default()
    }
}

#[test]
fn slots_are_found_kept_full_and_not_taken_for_a_rate() {
    for (count, seconds) in [
        (12, 0.3),
        (16, 1.0),
        (24, 2.0),
        (32, 0.3),
        (64, 2.0),
        (128, 2.0),
    ] {
        let demand = Demand::on(slots(count, seconds), 400, u64::from(count));
        demand.watch(30);
        let seen = demand.watch(120);
        let full = seen
            .iter()
            .filter(|state| f64::from(state.in_flight) >= 0.9 * f64::from(count));
        let share = full.count() as f64 / seen.len() as f64;
        assert!(
            share >= 0.95,
            "{count} slots × {seconds} s: full {share:.3} of the time"
        );
        let paced = seen.iter().filter(|state| state.rate.is_some()).count();
        // Answers that come in waves may deceive it for a few seconds.
        assert!(
            paced <= seen.len() / 12,
            "{count} slots × {seconds} s: paced {paced} of 12000"
        );
        let most = seen.iter().map(|state| state.in_flight).max().unwrap();
        assert!(
            most <= count + 2,
            "{count} slots × {seconds} s: {most} in flight"
        );
    }
}

#[test]
fn a_ceiling_that_the_server_bears_is_used_whole_whatever_its_number() {
    for ceiling in 1..=64 {
        let demand = Demand::on(slots(1000, 1.0), ceiling, 1);
        demand.watch(3);
        let seen = demand.watch(60);
        let least = seen.iter().map(|state| state.in_flight).min();
        assert_eq!(least, Some(ceiling), "below a ceiling of {ceiling}");
    }
}

/// A client whose own work is the limit meets such answers: each waits for those before it.
#[test]
fn answers_that_are_fast_anyway_are_no_knee() {
    let fast = ServerModel {
        queues: true,
        round_trip: 0.0002,
        ..slots(1, 0.00005)
    };
    let demand = Demand::on(fast.clone(), 100, 1);
    demand.watch(2);
    let least = demand.watch(5).iter().map(|state| state.in_flight).min();
    assert_eq!(least, Some(100));

    // It was eight times as slow when it began.
    let cold = ServerModel {
        slot_steps: vec![(1.5, 8)],
        ..ServerModel {
            latency: slots(1, 0.0004).latency,
            ..fast
        }
    };
    let demand = Demand::on(cold, 100, 1);
    let most = demand.watch(1).last().map(|state| state.limit);
    assert!(most < Some(100.0), "no knee where one was: {most:?}");
    demand.watch(2);
    let least = demand.watch(5).iter().map(|state| state.in_flight).min();
    assert_eq!(least, Some(100));
}

#[test]
fn calls_that_take_long_need_not_wait_for_each_other() {
    let demand = Demand::on(slots(2000, 60.0), 1000, 1);
    let most = demand.watch(5).last().map(|state| state.in_flight);
    assert_eq!(most, Some(256), "before the first answer");
    demand.watch(115);
    let most = demand.watch(5).last().map(|state| state.in_flight);
    assert_eq!(most, Some(1000), "after it");
}

#[test]
fn waiting_for_connections_is_no_knee() {
    let demand = Demand::with(slots(2000, 1.0), 512, 1, 40);
    demand.watch(8);
    let least = demand.watch(5).iter().map(|state| state.in_flight).min();
    assert_eq!(least, Some(512));
}

#[test]
fn a_bucket_is_found_and_paced_close_to_its_rate() {
    for (rate, burst, seconds) in [
        (5.0, 5.0, 8.0),
        (20.0, 5.0, 1.0),
        (50.0, 50.0, 1.0),
        (200.0, 100.0, 1.0),
    ] {
        let demand = Demand::on(bucket(rate, burst, seconds), 1000, 3);
        let start = demand.watch(45);
        assert!(
            start.iter().any(|state| state.rate.is_some()),
            "{rate}/s is not paced"
        );
        demand.watch(60);
        let before = demand.answered.get();
        let seen = demand.watch(120);
        let answered = (demand.answered.get() - before) as f64 / 120.0;
        assert!(
            answered >= 0.93 * rate,
            "{rate}/s: {answered:.1} answered per second"
        );
        let fastest = seen
            .iter()
            .filter_map(|state| state.rate)
            .fold(0.0, f64::max);
        assert!(fastest <= 1.35 * rate, "{rate}/s: paced at {fastest:.1}");
    }
}

/// Such a bucket refuses at its few at the start, as if it had so many slots.
#[test]
fn a_bucket_that_holds_little_is_not_taken_for_slots() {
    for (rate, burst, seconds) in [
        (50.0, 5.0, 0.3),
        (50.0, 5.0, 1.0),
        (200.0, 20.0, 0.5),
        (30.0, 3.0, 10.0),
    ] {
        for seed in 1..=5 {
            let demand = Demand::on(bucket(rate, burst, seconds), 1000, seed);
            let start = demand.watch(12);
            let fastest = start
                .iter()
                .filter_map(|state| state.rate)
                .fold(0.0, f64::max);
            assert!(
                fastest >= 0.9 * rate,
                "{rate}/s × {seconds} s, {burst} at once, seed {seed}: only {fastest:.1}/s within 12 s"
            );
        }
    }
}

#[test]
fn no_attempt_is_sent_before_a_hint_has_run_out() {
    // The workers themselves check each attempt against the latest hint.
    for seed in 0..8 {
        let mut server = if seed % 2 == 0 {
            slots(20, 0.5)
        } else {
            bucket(30.0, 10.0, 0.5)
        };
        server.retry_after = Some(0.5 + 0.3 * seed as f64);
        let demand = Demand::on(server, 100, seed);
        demand.watch(60);
        assert!(
            demand.truth.counts().rejected > 0,
            "seed {seed}: nothing was refused"
        );
        assert!(
            demand.answered.get() > 300,
            "seed {seed}: only {} answered",
            demand.answered.get()
        );
    }
}

#[test]
fn after_a_gate_the_release_is_metered_at_the_learned_rate() {
    let mut server = bucket(30.0, 5.0, 4.0);
    server.retry_after = Some(1.0);
    let demand = Demand::on(server, 256, 5);
    demand.watch(60);
    let from = demand.sends.borrow().len();
    let seen = demand.watch(100);
    let sends = demand.sends.borrow()[from..].to_vec();
    assert!(seen.iter().all(|state| state.rate.is_some()), "not paced");
    let fastest = seen
        .iter()
        .filter_map(|state| state.rate)
        .fold(0.0, f64::max);
    for seconds in [1.0, 5.0, 20.0] {
        let most = (0..sends.len())
            .map(|first| {
                sends[first..]
                    .iter()
                    .take_while(|at| **at < sends[first] + seconds)
                    .count()
            })
            .max()
            .unwrap();
        let allowed = fastest * seconds + (0.1 * fastest).max(1.0) + 1.0;
        assert!(
            most as f64 <= allowed,
            "{most} sends in {seconds} s at {fastest:.1}/s"
        );
    }
}

#[test]
fn an_outage_costs_few_attempts_and_ends_soon() {
    for seed in 0..20 {
        let outage = Some((30.0, 60.0));
        let demand = Demand::on(
            ServerModel {
                outage,
                ..slots(64, 1.0)
            },
            256,
            seed,
        );
        demand.watch(30);
        let (before, level) = (demand.truth.counts(), demand.limiter.snapshot().limit);
        demand.watch(30);
        let during = demand.truth.counts();
        let wasted = during.rejected - before.rejected;
        assert!(
            wasted <= 40,
            "seed {seed}: {wasted} attempts into the outage"
        );
        let answered = demand.answered.get();
        demand.watch(9);
        assert!(
            demand.answered.get() > answered,
            "seed {seed}: nothing answered 9 s after it"
        );
        demand.watch(11);
        let limit = demand.limiter.snapshot().limit;
        assert!(
            limit >= 0.9 * level,
            "seed {seed}: {limit:.1} instead of {level:.1}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let trace = |seed| {
        let demand = Demand::on(
            ServerModel {
                shed: 0.02,
                ..bucket(40.0, 10.0, 0.7)
            },
            100,
            seed,
        );
        demand.watch(40);
        (
            demand.sends.take(),
            demand.truth.counts(),
            demand.sim.steps(),
        )
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
#[should_panic(expected = "seed 41")]
fn a_world_in_which_nothing_can_happen_names_its_seed() {
    let sim = Sim::new(41);
    sim.run(std::future::pending::<()>());
}
