//! Storms: many calls against servers with limits, on the simulator, for our client and its peers.
//!
//! `cargo bench -p kneepoint-core --bench storms` prints the table and writes
//! `target/bench/storms.json`; it fails if one of our rows misses its target. Further arguments:
//! `--quick` (ours only), `--more` (servers without a promise, which never fail it), `--ablation` (the rule without each
//! of its parts), `--million` (a million calls with every invariant checked), `--only TEXT`.

mod ablation;
mod attempt;
mod judge;
mod kneepoint;
mod million;
mod oracle;
mod peers;
mod report;
mod run;
mod scenarios;

use std::path::Path;
use std::process::ExitCode;

use ::kneepoint_core::adapt::Options;
use judge::Judged;
use kneepoint::Kneepoint;
use peers::Peer;
use report::Row;
use run::Measured;
use scenarios::Scenario;

const SEEDS: [u64; 3] = [1, 2, 3];

/// The random servers of the table: this set, so many of them.
const RANDOM_SET: u64 = 40;
const RANDOM_COUNT: u64 = 200;

/// A kind of client.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Policy {
    /// Ours, with these options; the ceiling is the scenario's unless it is to be found.
    Ours { options: Options, automatic: bool },
    /// A peer's retry rule under a fixed number of workers.
    Peer { retries: u32 },
}

impl Policy {
    fn ours() -> Self {
        Self::Ours {
            options: Options::default(),
            automatic: false,
        }
    }

    pub(crate) fn run(&self, scenario: &Scenario, seed: u64) -> Measured {
        match self {
            Self::Ours { options, automatic } => {
                let mut options = options.clone();
                if !automatic {
                    options.ceiling = scenario.ceiling;
                }
                run::run(scenario, seed, |sim| Kneepoint::new(sim, options.clone()))
            }
            Self::Peer { retries } => run::run(scenario, seed, |sim| {
                Peer::new(sim, scenario.ceiling, *retries)
            }),
        }
    }

    /// With no ceiling of its own a client must be measured against an oracle without one.
    fn oracle(&self, scenario: &Scenario, seed: u64) -> Measured {
        let mut scenario = scenario.clone();
        if matches!(
            self,
            Self::Ours {
                automatic: true,
                ..
            }
        ) {
            scenario.ceiling = Options::AUTOMATIC;
        }
        oracle::run(&scenario, seed)
    }

    fn judge(&self, scenario: &Scenario) -> Judged {
        let pairs: Vec<_> = SEEDS
            .iter()
            .map(|&seed| (self.run(scenario, seed), self.oracle(scenario, seed)))
            .collect();
        judge::judge(scenario, &pairs)
    }
}

fn policies(quick: bool) -> Vec<(String, Policy)> {
    let automatic = Policy::Ours {
        options: Options::default(),
        automatic: true,
    };
    let mut policies = vec![
        ("kneepoint auto".to_owned(), automatic),
        ("kneepoint".to_owned(), Policy::ours()),
    ];
    if !quick {
        policies.extend([
            ("openai-node 2".to_owned(), Policy::Peer { retries: 2 }),
            ("openai-node 10".to_owned(), Policy::Peer { retries: 10 }),
            ("AsyncFireworks 5".to_owned(), Policy::Peer { retries: 5 }),
        ]);
    }
    policies
}

/// Runs a policy on many random servers. The mean goodput, with the tenth percentile in the notes.
fn random_servers(policy: &Policy, set: u64, verbose: bool) -> Judged {
    let (mut goodputs, mut wastes, mut p99s) = (Vec::new(), Vec::new(), Vec::new());
    let mut judged = Judged::default();
    for number in 0..RANDOM_COUNT {
        let scenario = scenarios::random(set, number);
        let seed = number + 1;
        let ours = policy.run(&scenario, seed);
        let goodput = judge::goodput(&oracle::run(&scenario, seed), &ours).min(100.0);
        if verbose {
            println!(
                "{:22} goodput {:5.1} waste {:5.2} calls {:5} tries {:2} {:?}",
                scenario.name,
                goodput,
                ours.waste(),
                scenario.calls,
                ours.attempts_max(),
                (
                    scenario.ceiling,
                    scenario.server.slots,
                    scenario.server.requests,
                    scenario.server.window,
                    scenario.server.latency,
                    scenario.server.retry_after,
                    scenario.server.round_trip,
                    scenario.server.refusal_delay.1
                ),
            );
        }
        goodputs.push(goodput);
        wastes.push(ours.waste());
        p99s.push(1000.0 * ours.latency(0.0, 0.99));
        judged.lost += ours.lost() as f64;
        judged.attempts_max = judged.attempts_max.max(ours.attempts_max());
    }
    let p10 = run::quantile(goodputs.clone(), 0.1);
    judged.goodput = judge::mean(goodputs);
    judged.waste = judge::mean(wastes);
    judged.p99_ms = judge::mean(p99s);
    judged.met = judged.goodput >= 88.0 && p10 >= 72.0 && judged.waste <= 5.5 && judged.lost == 0.0;
    judged.notes = format!("p10 {p10:.1} %");
    judged
}

fn table(arguments: &[String]) -> Vec<Row> {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let only = arguments
        .iter()
        .skip_while(|argument| *argument != "--only")
        .nth(1);
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only.as_str()));
    let mut storms = scenarios::promised();
    let promised = storms.len();
    if has("--more") {
        storms.extend(scenarios::further());
        storms.extend(scenarios::knees());
    }
    let mut rows = Vec::new();
    for (index, scenario) in storms.iter().enumerate() {
        if !wanted(&scenario.name) {
            continue;
        }
        for (name, policy) in policies(has("--quick")) {
            rows.push(Row {
                scenario: scenario.name.clone(),
                target: judge::describe(scenario),
                judged: policy.judge(scenario),
                ours: matches!(policy, Policy::Ours { .. }),
                promised: index < promised,
                policy: name,
            });
        }
    }
    let random = format!("{RANDOM_COUNT} random servers");
    if wanted(&random) {
        // Their ceilings are part of what is random, so there is no row without one.
        for (name, policy) in policies(has("--quick")).into_iter().skip(1) {
            rows.push(Row {
                scenario: random.clone(),
                target: "mean ≥ 88 %, p10 ≥ 72 %, ≤ 5.5 % wasted, 0 lost".to_owned(),
                judged: random_servers(&policy, RANDOM_SET, has("--verbose")),
                ours: matches!(policy, Policy::Ours { .. }),
                promised: true,
                policy: name,
            });
        }
    }
    rows
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--ablation") {
        ablation::run();
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--million") {
        million::run();
        return ExitCode::SUCCESS;
    }
    let rows = table(&arguments);
    report::print(&rows);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench/storms.json");
    if let Err(error) = report::write(&rows, &path) {
        eprintln!("cannot write {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    if rows
        .iter()
        .any(|row| row.ours && row.promised && !row.judged.met)
    {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
