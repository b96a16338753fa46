//! What each part of the rule is worth: the storms again, with one part left out or one choice made
//! otherwise.

use kneepoint_core::adapt::{Options, Part};

use super::judge::mean;
use super::scenarios::{self, Target};
use super::{Policy, random_servers};

/// A set of random servers that nothing was tuned on.
const HELD_OUT_SET: u64 = 30;

fn variants() -> Vec<(&'static str, Options)> {
    let whole = Options::default();
    let without = |part| Options {
        without: Some(part),
        ..Options::default()
    };
    vec![
        ("the whole rule", whole.clone()),
        ("never paces", without(Part::Pacer)),
        ("no probes", without(Part::Probes)),
        ("no trial", without(Part::Trial)),
        ("no correction", without(Part::Correction)),
        ("no climb after a gate", without(Part::Climb)),
        ("span not longer for hints", without(Part::LongSpan)),
        ("no floor under a rate", without(Part::Floor)),
        (
            "no noise",
            Options {
                noise: false,
                ..whole.clone()
            },
        ),
        (
            "no ladder",
            Options {
                ladder: false,
                ..whole.clone()
            },
        ),
        (
            "initial 8",
            Options {
                initial: 8,
                ..whole.clone()
            },
        ),
        (
            "initial 32",
            Options {
                initial: 32,
                ..whole
            },
        ),
    ]
}

/// Prints one line per variant.
pub(crate) fn run() {
    let mut storms = scenarios::promised();
    storms.extend(scenarios::further());
    storms.retain(|scenario| matches!(scenario.target, Target::Share { .. }));
    println!(
        "{} storms with three seeds each, and the random servers of a set:",
        storms.len()
    );
    println!(
        "{:26} {:>8} {:>6} {:>7} {:>6} {:>6}   {:>8} {:>12} {:>7} {:>5}",
        "", "goodput", "least", "wasted", "most", "missed", "goodput", "", "wasted", "lost"
    );
    for (name, options) in variants() {
        let policy = Policy::Ours {
            options,
            automatic: false,
        };
        let judged: Vec<_> = storms
            .iter()
            .map(|scenario| policy.judge(scenario))
            .collect();
        let random = random_servers(&policy, HELD_OUT_SET, false);
        println!(
            "{name:26} {:8.1} {:6.1} {:7.2} {:6.1} {:6}   {:8.1} {:>12} {:7.2} {:5}",
            mean(judged.iter().map(|row| row.goodput)),
            judged.iter().map(|row| row.goodput).fold(100.0, f64::min),
            mean(judged.iter().map(|row| row.waste)),
            judged.iter().map(|row| row.waste).fold(0.0, f64::max),
            judged.iter().filter(|row| !row.met).count(),
            random.goodput,
            random.notes,
            random.waste,
            random.lost,
        );
    }
}
