//! The storms as a regression: each of the bench's servers, with one seed, near the figures that the
//! rule reached when it was last looked at.

#[path = "../../benches/storms/attempt.rs"]
mod attempt;
#[path = "../../benches/storms/judge.rs"]
mod judge;
#[path = "../../benches/storms/kneepoint.rs"]
mod kneepoint;
#[path = "../../benches/storms/oracle.rs"]
mod oracle;
#[path = "../../benches/storms/run.rs"]
mod run;
#[path = "../../benches/storms/scenarios.rs"]
mod scenarios;

use kneepoint::Kneepoint;
use kneepoint_core::adapt::Options;
use run::Measured;
use scenarios::Scenario;

fn storm(scenario: &Scenario, seed: u64) -> (Measured, Measured) {
    let options = Options {
        ceiling: scenario.ceiling,
        ..Options::default()
    };
    let ours = run::run(scenario, seed, |sim| Kneepoint::new(sim, options.clone()));
    (ours, oracle::run(scenario, seed))
}

#[test]
fn every_promised_storm_meets_its_target() {
    for scenario in scenarios::promised() {
        let judged = judge::judge(&scenario, &[storm(&scenario, 1)]);
        let target = judge::describe(&scenario);
        assert!(judged.met, "{}: {judged:?}, wanted {target}", scenario.name);
        assert!(judged.attempts_max <= 6, "{}: {judged:?}", scenario.name);
        // The client's default time-out: a limiter must not make calls wait it out once sent.
        assert!(judged.p99_ms < 60_000.0, "{}: {judged:?}", scenario.name);
    }
}

#[test]
#[rustfmt::skip]
fn no_storm_got_worse() {
    // Goodput and waste of seed 1 in per cent, when the rule was last changed.
    let reached = [
        ("64 slots × 1 s", 98.1, 0.9),
        ("64 slots × 1 s, retry-after", 93.1, 0.9),
        ("300 per minute, retry-after", 99.1, 2.4),
        ("300 per minute", 87.4, 4.8),
        ("10/s, then 50/s", 93.4, 0.5),
        ("50/s × 0.3 s, burst of 5", 95.6, 0.6),
        ("50/s × 0.3 s, burst of 5, retry-after", 87.7, 0.6),
        ("50/s × 1 s, burst of 5", 97.3, 0.3),
        ("50/s × 1 s, burst of 5, retry-after", 89.9, 0.3),
        ("64 slots and 40/s × 1 s", 99.9, 0.8),
        ("64 slots and 40/s × 1.6 s", 96.0, 0.7),
        ("64 slots, 2 % fail", 97.5, 0.7),
        ("50/s, 2 % fail", 97.8, 0.4),
        ("64 slots × 50 ms", 95.6, 0.5),
        ("64 slots × 50 ms, constant", 96.1, 0.5),
        ("50/s × 1 s", 100.0, 0.2),
        ("50/s × 1 s, retry-after", 99.2, 0.2),
        ("5/s × 8 s", 99.9, 2.0),
        ("16 slots × 4 s", 97.3, 3.1),
        ("tokens per minute", 98.0, 1.5),
        ("tokens per minute, retry-after", 98.7, 1.6),
        ("50/s, then 10/s", 99.8, 1.0),
        ("4 clients on 50/s", 98.9, 1.1),
        ("64 slots, 1 % refused at random", 63.3, 1.7),
    ];
    let storms = [scenarios::promised(), scenarios::further()].concat();
    for (name, goodput, waste) in reached {
        let scenario = storms.iter().find(|scenario| scenario.name == name).expect("a known storm");
        let judged = judge::judge(scenario, &[storm(scenario, 1)]);
        assert!(judged.goodput >= goodput - 2.0, "{name}: {judged:?}");
        assert!(judged.waste <= waste + 0.5, "{name}: {judged:?}");
        assert!(judged.lost == 0.0, "{name}: {judged:?}");
    }
}

#[test]
fn servers_without_a_limit_are_kept_near_their_knee() {
    for scenario in scenarios::knees() {
        let judged = judge::judge(&scenario, &[storm(&scenario, 1)]);
        let target = judge::describe(&scenario);
        assert!(judged.met, "{}: {judged:?}, wanted {target}", scenario.name);
    }
}

#[test]
fn random_servers_lose_nothing_and_waste_little() {
    let (mut goodputs, mut wastes) = (Vec::new(), Vec::new());
    for number in 0..60 {
        let scenario = scenarios::random(7, number);
        let (ours, oracle) = storm(&scenario, number + 1);
        assert_eq!(
            ours.lost(),
            0,
            "{} (seed {}): lost calls",
            scenario.name,
            number + 1
        );
        goodputs.push(judge::goodput(&oracle, &ours).min(100.0));
        wastes.push(ours.waste());
    }
    let (goodput, waste) = (judge::mean(goodputs.clone()), judge::mean(wastes));
    let p10 = run::quantile(goodputs, 0.1);
    assert!(
        goodput >= 86.0 && p10 >= 68.0 && waste <= 7.0,
        "{goodput:.1} {p10:.1} {waste:.2}"
    );
}
