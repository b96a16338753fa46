//! The storms: servers with limits, and what is asked of a client that meets them.

use kneepoint_core::platform::sim::{
    Batching, Bucket, FixedWindow, Latency, Random, ServerModel, Units,
};

/// When calls arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrivals {
    /// All at the start.
    AtOnce,
    /// So many per second.
    PerSecond(f64),
}

/// What a row has to reach, in per cent where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// At least this goodput, at most this waste, nothing lost, and with several clients the
    /// slowest at most so many times as long as the fastest.
    Share {
        goodput: f64,
        waste: f64,
        fairness: f64,
    },
    /// At most so many attempts per call, and full goodput so many seconds after the end.
    Outage { attempts: f64, recovery: f64 },
    /// Settles with so many in flight, at this throughput and at most so many times the 95th
    /// percentile of the knee.
    Knee {
        low: f64,
        high: f64,
        throughput: f64,
        p95: f64,
    },
}

/// One storm.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) server: ServerModel,
    pub(crate) calls: usize,
    /// How many attempts a client may have in flight.
    pub(crate) ceiling: u32,
    /// How many clients share the server; each has a limiter of its own and an equal share of calls.
    pub(crate) clients: usize,
    pub(crate) arrivals: Arrivals,
    pub(crate) target: Target,
}

fn share(goodput: f64, waste: f64) -> Target {
    Target::Share {
        goodput,
        waste,
        fairness: 2.0,
    }
}

fn scenario(name: &str, calls: usize, server: ServerModel, target: Target) -> Scenario {
    Scenario {
        name: name.to_owned(),
        server,
        calls,
        ceiling: 256,
        clients: 1,
        arrivals: Arrivals::AtOnce,
        target,
    }
}

const fn seconds(median: f64, sigma: f64) -> Latency {
    Latency {
        median,
        per_unit: 0.0,
        sigma,
    }
}

fn slots(slots: u32, median: f64, sigma: f64) -> ServerModel {
    ServerModel {
        slots: Some(slots),
        latency: seconds(median, sigma),
        ..ServerModel::default()
    }
}

fn bucket(rate: f64, median: f64, sigma: f64) -> ServerModel {
    let requests = Some(Bucket { rate, burst: rate });
    ServerModel {
        requests,
        latency: seconds(median, sigma),
        ..ServerModel::default()
    }
}

fn hinted(server: ServerModel) -> ServerModel {
    ServerModel {
        retry_after: Some(1.0),
        ..server
    }
}

fn tokens_per_minute() -> ServerModel {
    ServerModel {
        tokens: Some(Bucket {
            rate: 20_000.0,
            burst: 60_000.0,
        }),
        units: Units {
            median: 800.0,
            sigma: 0.8,
            step: None,
        },
        latency: Latency {
            median: 1.5,
            per_unit: 3.0 / 1600.0,
            sigma: 0.2,
        },
        ..ServerModel::default()
    }
}

fn fixed_window() -> ServerModel {
    let window = Some(FixedWindow {
        requests: 300.0,
        seconds: 60.0,
    });
    ServerModel {
        window,
        latency: seconds(1.0, 0.3),
        ..ServerModel::default()
    }
}

/// Takes everything on, works on `slots` at a time: more in flight only wait longer.
pub(crate) fn queueing(slots: u32, sigma: f64, reports_usage: bool) -> ServerModel {
    ServerModel {
        slots: Some(slots),
        queues: true,
        units: Units {
            median: 150.0,
            sigma,
            step: None,
        },
        latency: Latency {
            median: 0.0,
            per_unit: 0.02,
            sigma: 0.0,
        },
        reports_usage,
        ..ServerModel::default()
    }
}

/// Works on everything together, slower the more there is.
pub(crate) fn batching(fixed: f64, linear: f64, square: f64) -> ServerModel {
    ServerModel {
        batching: Some(Batching {
            fixed,
            linear,
            square,
        }),
        units: Units {
            median: 150.0,
            sigma: 0.5,
            step: None,
        },
        ..ServerModel::default()
    }
}

/// The storms with a target that is promised.
#[rustfmt::skip]
pub(crate) fn promised() -> Vec<Scenario> {
    let fast = |sigma| ServerModel {
        refusal_delay: (0.001, 0.02),
        round_trip: 0.002,
        ..slots(64, 0.05, sigma)
    };
    let stepped = ServerModel { request_steps: vec![(40.0, 10.0)], ..bucket(50.0, 1.0, 0.3) };
    let outage = ServerModel { outage: Some((30.0, 60.0)), ..ServerModel::default() };
    let random = ServerModel { shed: 0.01, ..slots(64, 1.0, 0.3) };
    let knee = Target::Knee { low: 24.0, high: 48.0, throughput: 93.0, p95: 1.5 };
    vec![
        Scenario { ceiling: 1000, ..scenario("64 slots × 50 ms", 5000, fast(0.3), share(90.0, 3.0)) },
        Scenario { ceiling: 1000, ..scenario("64 slots × 50 ms, constant", 5000, fast(0.0), share(90.0, 3.0)) },
        scenario("50/s × 1 s", 10_000, bucket(50.0, 1.0, 0.3), share(95.0, 2.0)),
        scenario("50/s × 1 s, retry-after", 10_000, hinted(bucket(50.0, 1.0, 0.3)), share(95.0, 2.0)),
        scenario("5/s × 8 s", 2000, bucket(5.0, 8.0, 0.5), share(90.0, 4.0)),
        scenario("16 slots × 4 s", 600, slots(16, 4.0, 0.5), share(90.0, 4.0)),
        scenario("tokens per minute", 3000, tokens_per_minute(), share(90.0, 2.0)),
        scenario("tokens per minute, retry-after", 3000, hinted(tokens_per_minute()), share(90.0, 2.0)),
        scenario("50/s, then 10/s", 3000, stepped, share(90.0, 3.0)),
        Scenario { clients: 4, ceiling: 64, ..scenario("4 clients on 50/s", 10_000, bucket(50.0, 1.0, 0.3), share(95.0, 3.0)) },
        scenario("64 slots, 1 % refused at random", 20_000, random, share(60.0, 5.0)),
        Scenario { arrivals: Arrivals::PerSecond(30.0), ..scenario("30 s of 503", 3600, outage, Target::Outage { attempts: 1.10, recovery: 20.0 }) },
        scenario("no limit, saturates at 32", 4000, queueing(32, 0.5, true), knee),
    ]
}

/// More servers, which nothing is promised about but everything was tuned with in view.
#[rustfmt::skip]
pub(crate) fn further() -> Vec<Scenario> {
    let both = |median| ServerModel {
        requests: Some(Bucket { rate: 40.0, burst: 40.0 }),
        ..slots(64, median, 0.3)
    };
    let errors = |server| ServerModel { errors: 0.02, ..server };
    let shallow = |median| ServerModel {
        requests: Some(Bucket { rate: 50.0, burst: 5.0 }),
        ..bucket(50.0, median, 0.3)
    };
    let grows = ServerModel { request_steps: vec![(60.0, 50.0)], ..bucket(10.0, 1.0, 0.3) };
    vec![
        scenario("64 slots × 1 s", 3000, slots(64, 1.0, 0.3), share(90.0, 3.0)),
        scenario("64 slots × 1 s, retry-after", 3000, hinted(slots(64, 1.0, 0.3)), share(90.0, 3.0)),
        scenario("300 per minute, retry-after", 1500, hinted(fixed_window()), share(90.0, 10.0)),
        scenario("300 per minute", 1500, fixed_window(), share(85.0, 10.0)),
        scenario("10/s, then 50/s", 5000, grows, share(90.0, 3.0)),
        scenario("50/s × 0.3 s, burst of 5", 3000, shallow(0.3), share(90.0, 3.0)),
        scenario("50/s × 0.3 s, burst of 5, retry-after", 3000, hinted(shallow(0.3)), share(90.0, 3.0)),
        scenario("50/s × 1 s, burst of 5", 10_000, shallow(1.0), share(95.0, 2.0)),
        scenario("50/s × 1 s, burst of 5, retry-after", 10_000, hinted(shallow(1.0)), share(95.0, 2.0)),
        scenario("64 slots and 40/s × 1 s", 4000, both(1.0), share(90.0, 4.0)),
        scenario("64 slots and 40/s × 1.6 s", 4000, both(1.6), share(90.0, 4.0)),
        scenario("64 slots, 2 % fail", 3000, errors(slots(64, 1.0, 0.3)), share(90.0, 5.0)),
        scenario("50/s, 2 % fail", 5000, errors(bucket(50.0, 1.0, 0.3)), share(90.0, 5.0)),
    ]
}

/// Servers that never refuse: no target but a place to look at.
#[rustfmt::skip]
pub(crate) fn knees() -> Vec<Scenario> {
    let wide = Target::Knee { low: 20.0, high: 64.0, throughput: 75.0, p95: 2.0 };
    let soft = Target::Knee { low: 40.0, high: 256.0, throughput: 75.0, p95: 4.0 };
    vec![
        scenario("queue of 32, usage unknown", 4000, queueing(32, 0.5, false), wide),
        scenario("queue of 32, spread lengths", 4000, queueing(32, 1.0, true), wide),
        scenario("queue of 32, spread, unknown", 4000, queueing(32, 1.0, false), wide),
        scenario("batch 20 ms + 0.5 n", 4000, batching(0.02, 0.0005, 0.0), soft),
        scenario("batch 20 ms + 0.38 n + 0.001 n²", 4000, batching(0.02, 0.00038, 1e-6), soft),
    ]
}

/// A server drawn at random: slots, a bucket, both, or a fixed window, of any size and speed.
pub(crate) fn random(set: u64, number: u64) -> Scenario {
    let mut dice = Random::new((set << 32) ^ number.wrapping_mul(0x9E37_79B9));
    let refusal = dice.log_between(0.001, 0.3);
    let latency = seconds(
        dice.log_between(0.02, 30.0),
        [0.0, 0.3, 0.5, 0.8][dice.below(4) as usize],
    );
    let ceiling = [64, 256, 1000][dice.below(3) as usize];
    let retry_after = (dice.unit() < 0.5).then(|| dice.log_between(0.5, 3.0));
    let slots = dice.log_between(8.0, 512.0).round() as u32;
    let rate = dice.log_between(1.0, 500.0);
    let mut server = ServerModel {
        latency,
        retry_after,
        refusal_delay: (0.5 * refusal, 1.5 * refusal),
        round_trip: dice.log_between(0.001, 0.2),
        ..ServerModel::default()
    };
    let mean = latency.median * (latency.sigma * latency.sigma / 2.0).exp() + server.round_trip;
    let of_ceiling = f64::from(ceiling) / mean;
    let of_slots = f64::from(slots.min(ceiling)) / mean;
    let (kind, capacity, least) = match dice.below(6) {
        0 | 1 => {
            server.slots = Some(slots);
            ("slots", of_slots, 0.0)
        }
        2 | 3 => {
            let burst = (rate * dice.log_between(0.1, 2.0)).max(1.0);
            server.requests = Some(Bucket { rate, burst });
            ("bucket", rate.min(of_ceiling), 0.0)
        }
        4 => {
            server.slots = Some(slots);
            server.requests = Some(Bucket {
                rate,
                burst: rate.max(1.0),
            });
            ("slots and bucket", rate.min(of_slots), 0.0)
        }
        _ => {
            let seconds = [10.0, 60.0][dice.below(2) as usize];
            let requests = (rate * seconds).round().max(1.0);
            server.window = Some(FixedWindow { requests, seconds });
            ("window", rate, 2.5 * requests)
        }
    };
    let duration = dice.log_between(40.0, 300.0).max(10.0 * mean);
    let calls = (capacity * duration)
        .clamp(100.0, 15_000.0)
        .max(least.min(40_000.0));
    let name = format!("{kind} #{number}");
    Scenario {
        ceiling,
        ..scenario(&name, calls as usize, server, share(0.0, 100.0))
    }
}
