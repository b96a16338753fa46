//! The ladder against servers whose answer is known, each with three seeds, in virtual time.

use kneepoint_bench::ladder::{Options, StopRule};
use kneepoint_bench::plan::{Load, Plan, Prompts};
use kneepoint_bench::report::{Finding, Report, verdict};
use kneepoint_bench::{Control, Target, run};
use kneepoint_core::platform::sim::{
    Batching, Bucket, FixedWindow, Latency, ServerModel, Sim, Truth, Units,
};
use kneepoint_core::{Config, Provider};

const SEEDS: [u64; 3] = [1, 2, 3];

/// One refinement step.
const RATIO: f64 = 1.3;

/// Climbs in a world of its own, and answers the report and the server's books.
fn ladder(model: &ServerModel, seed: u64, stream: bool, options: &Options) -> (Report, Truth) {
    let sim = Sim::new(seed);
    let truth = sim.serve("https://llm.test", model.clone());
    let config = Config::new(Provider::compatible("https://llm.test/v1"));
    let target = Target {
        stream,
        ..Target::new(config, Prompts::text("small", "Hello!"))
    };
    let plan = Plan {
        seed,
        ..Plan::new(Load::Ladder(options.clone()))
    };
    let report = sim.run(run(&sim, &target, &plan, &Control::new(), &mut ()));
    (report.expect("it can run"), truth)
}

fn show(report: &Report, seed: u64) -> String {
    format!("seed {seed}\n{}", report.text())
}

fn near(found: Option<&Finding>, expected: f64) -> bool {
    found.is_some_and(|found| near_to(f64::from(found.value), expected))
}

fn near_to(value: f64, expected: f64) -> bool {
    (1.0 / RATIO..=RATIO).contains(&(value / expected))
}

/// Whether the climb ended because more brought no more.
fn is_level(rule: StopRule) -> bool {
    matches!(rule, StopRule::Plateau | StopRule::Retrograde)
}

/// Steps of `fixed + linear·n + square·n²` seconds, answers of about 20 tokens.
fn gpu(fixed: f64, linear: f64, square: f64) -> ServerModel {
    ServerModel {
        batching: Some(Batching {
            fixed,
            linear,
            square,
        }),
        units: Units {
            median: 20.0,
            sigma: 0.2,
            step: None,
        },
        ..ServerModel::default()
    }
}

fn slots(count: u32, queues: bool) -> ServerModel {
    ServerModel {
        slots: Some(count),
        queues,
        latency: Latency {
            median: 1.0,
            per_unit: 0.0,
            sigma: 0.2,
        },
        ..ServerModel::default()
    }
}

#[test]
fn a_batching_gpu_has_a_soft_knee_where_its_step_has_doubled() {
    // n/(A + B·n): the power is greatest at n = A/B = 40.
    for seed in SEEDS {
        let (report, _) = ladder(&gpu(0.02, 0.0005, 0.0), seed, false, &Options::default());
        let answer = report.answer.as_ref().expect("a ladder");
        assert!(near(answer.knee.as_ref(), 40.0), "{}", show(&report, seed));
        assert_eq!(answer.stop.value, StopRule::Max);
        assert!(
            answer.stability.as_ref().is_some_and(|found| found.stable),
            "{}",
            show(&report, seed)
        );
    }
}

#[test]
fn a_scheduler_of_32_slots_has_its_knee_there() {
    for seed in SEEDS {
        let (report, _) = ladder(&slots(32, true), seed, true, &Options::local());
        let answer = report.answer.as_ref().expect("a ladder");
        assert!(near(answer.knee.as_ref(), 32.0), "{}", show(&report, seed));
        assert!(near(answer.peak.as_ref(), 32.0), "{}", show(&report, seed));
        assert_eq!(
            answer.stop.value,
            StopRule::Plateau,
            "{}",
            show(&report, seed)
        );
        assert_eq!(answer.limit, None);
    }
}

#[test]
fn a_retrograde_server_is_left_before_it_declines() {
    // n/(A + C·n²): the most at n = √(A/C) = 40, the knee at √(A/3C) = 23, 95 % of the most at 29.
    let model = gpu(0.02, 0.0, 0.02 / 1600.0);
    for seed in SEEDS {
        let (report, _) = ladder(&model, seed, false, &Options::local());
        let answer = report.answer.as_ref().expect("a ladder");
        assert!(near(answer.knee.as_ref(), 23.1), "{}", show(&report, seed));
        assert!(near(answer.peak.as_ref(), 29.0), "{}", show(&report, seed));
        assert!(is_level(answer.stop.value), "{}", show(&report, seed));
        let peak = report
            .usl()
            .and_then(|law| law.peak())
            .expect("it declines");
        assert!(near_to(peak, 40.0), "{peak}");
    }
}

#[test]
fn twenty_in_flight_and_then_429_is_a_limit_of_twenty() {
    for seed in SEEDS {
        let (report, truth) = ladder(&slots(20, false), seed, true, &Options::default());
        let answer = report.answer.as_ref().expect("a ladder");
        let limit = answer.limit.as_ref().expect("it refuses");
        assert!((18..=20).contains(&limit.value), "{}", show(&report, seed));
        assert_eq!(answer.stop.value, StopRule::RateLimited);
        assert!(
            truth.counts().rejected < 200,
            "{:?} {}",
            truth.counts(),
            show(&report, seed)
        );
        let knee = answer.knee.as_ref().expect("it answers");
        assert!(knee.value <= limit.value);
        assert_eq!(truth.counts().in_flight_max, 20);
    }
}

#[test]
fn slots_that_rest_for_longer_than_a_rung_takes_were_refused_on_it() {
    let model = ServerModel {
        retry_after: Some(30.0),
        ..slots(20, false)
    };
    for seed in SEEDS {
        let (report, truth) = ladder(&model, seed, true, &Options::default());
        let answer = report.answer.as_ref().expect("a ladder");
        assert_eq!(answer.stop.value, StopRule::RateLimited);
        let limit = answer.limit.as_ref().expect("it refuses");
        assert!((18..=20).contains(&limit.value), "{}", show(&report, seed));
        assert!(truth.counts().rejected < 100, "{:?}", truth.counts());
    }
}

#[test]
fn three_hundred_requests_a_minute_are_five_seconds_worth_of_one() {
    let minute = FixedWindow {
        requests: 300.0,
        seconds: 60.0,
    };
    let bucket = Bucket {
        rate: 5.0,
        burst: 10.0,
    };
    let constant = Latency {
        median: 1.0,
        per_unit: 0.0,
        sigma: 0.1,
    };
    let models = [
        ServerModel {
            window: Some(minute),
            latency: constant,
            ..ServerModel::default()
        },
        ServerModel {
            window: Some(minute),
            latency: constant,
            retry_after: Some(1.0),
            ..ServerModel::default()
        },
        ServerModel {
            requests: Some(bucket),
            latency: constant,
            retry_after: Some(1.0),
            ..ServerModel::default()
        },
    ];
    for (model, seed) in models
        .iter()
        .flat_map(|model| SEEDS.map(|seed| (model, seed)))
    {
        let (report, _) = ladder(model, seed, true, &Options::default());
        let answer = report.answer.as_ref().expect("a ladder");
        assert!(near(answer.limit.as_ref(), 5.0), "{}", show(&report, seed));
        assert_eq!(answer.stop.value, StopRule::RateLimited);
    }
}

#[test]
fn four_slots_have_their_knee_at_four() {
    for seed in SEEDS {
        let (report, _) = ladder(&slots(4, true), seed, true, &Options::default());
        let answer = report.answer.as_ref().expect("a ladder");
        assert!(near(answer.knee.as_ref(), 4.0), "{}", show(&report, seed));
        assert!(near(answer.peak.as_ref(), 4.0), "{}", show(&report, seed));
        assert!(is_level(answer.stop.value), "{}", show(&report, seed));
    }
}

#[test]
fn a_server_that_slows_down_meanwhile_is_said_to_drift() {
    let model = ServerModel {
        slot_steps: vec![(70.0, 10)],
        ..slots(32, true)
    };
    for seed in SEEDS {
        let (report, _) = ladder(&model, seed, true, &Options::default());
        let stability = report
            .answer
            .as_ref()
            .and_then(|answer| answer.stability.clone());
        let stability = stability.expect("it was measured again");
        assert!(
            !stability.stable && stability.value > 0.1,
            "{}",
            show(&report, seed)
        );
        assert!(stability.reason.starts_with("drifting"));
        assert!(
            report.text().contains("cannot be named"),
            "{}",
            show(&report, seed)
        );
        assert!(
            report
                .text()
                .contains("\n  figures    above and below are of 1 at a time\n"),
            "{}",
            show(&report, seed)
        );
        let said = verdict(&report);
        assert!(said.starts_with("No knee can be named: the server changed by"));
        assert!(
            report.text().starts_with(&(said + "\n\n===")),
            "{}",
            show(&report, seed)
        );
        assert!(!report.text().contains("  slo "), "none was asked for");
    }
}
