//! `cargo xtask test`: sets up what the chosen suites need, runs them all, and closes with the
//! test runners' own summary lines.
//!
//! A failing suite does not stop the others. A test suite that executed no test has failed: it was
//! meant to hold a promise, and did not look.

mod suites;
mod summary;

use crate::args::{Args, choose};
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::setup::{THINGS, provide};
use crate::shell::{now, seconds};
pub(crate) use suites::families;
use suites::{SUITES, Suite, Work};
use summary::executed;

/// How one suite ended.
struct Outcome {
    suite: &'static Suite,
    /// The runners' summary lines, of targets that had tests.
    summaries: Vec<String>,
    failure: Option<Failure>,
}

/// `cargo xtask test`.
pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    let suites = chosen(args)?;
    let needed = THINGS.iter().map(|thing| thing.name);
    let needed = needed.filter(|name| suites.iter().any(|suite| suite.needs.contains(name)));
    let needed: Vec<&str> = needed.collect();
    if !needed.is_empty() {
        provide(repo, &needed)?;
    }

    let started = now();
    let outcomes: Vec<Outcome> = suites
        .into_iter()
        .map(|suite| run_suite(repo, suite))
        .collect();
    let suites = counted(outcomes.len(), "suite");
    println!(
        "\n== Results of {suites} in {} ==",
        seconds(started.elapsed())
    );
    for line in outcomes.iter().flat_map(report) {
        println!("{line}");
    }
    match failures(&outcomes) {
        None => Ok(()),
        Some(text) => Err(Failure::work(text)),
    }
}

/// The suites of the families asked for, or all; with `--fast`, those that need no browser.
fn chosen(args: &Args) -> Result<Vec<&'static Suite>> {
    let (asked, known) = (args.values("--family"), families());
    for family in &asked {
        choose("family", family, &known, |name| name).map_err(Failure::Usage)?;
    }
    let suites = SUITES.iter().filter(|suite| {
        (asked.is_empty() || asked.contains(&suite.family))
            && (suite.is_fast() || !args.has("--fast"))
    });
    let suites: Vec<_> = suites.collect();
    if suites.is_empty() {
        let asked = asked.join(" ");
        return Err(Failure::Usage(format!(
            "`--fast` leaves nothing of `--family {asked}`"
        )));
    }
    Ok(suites)
}

fn run_suite(repo: &Repo, suite: &'static Suite) -> Outcome {
    println!("\n== {} ==", suite.name);
    let (summaries, result) = match suite.work {
        Work::Check(check) => (Vec::new(), check(repo)),
        Work::Tests(tests) => tests(repo),
    };
    let result = result.and_then(|()| match suite.work {
        Work::Tests(_) if executed(&summaries) == 0 => {
            Err(Failure::work("no test was executed, which proves nothing"))
        }
        _ => Ok(()),
    });
    let summaries = summaries
        .into_iter()
        .filter(|line| !summary::is_empty(line))
        .collect();
    Outcome {
        suite,
        summaries,
        failure: result.err(),
    }
}

/// One line per check; for tests a heading and the runners' own lines, unchanged.
fn report(outcome: &Outcome) -> Vec<String> {
    let verdict = if outcome.failure.is_some() {
        "FAILED"
    } else {
        "ok"
    };
    match outcome.suite.work {
        Work::Check(_) => vec![format!("{}: {verdict}", outcome.suite.name)],
        Work::Tests(_) => {
            let count = counted(executed(&outcome.summaries), "test");
            let heading = format!("{}: {verdict}, {count}", outcome.suite.name);
            std::iter::once(heading)
                .chain(outcome.summaries.iter().cloned())
                .collect()
        }
    }
}

/// `1 test`, `2 tests`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What failed and how to run it again; nothing when all is well.
fn failures(outcomes: &[Outcome]) -> Option<String> {
    let failed = outcomes.iter().filter_map(|outcome| {
        let failure = outcome.failure.as_ref()?;
        let Suite { name, family, .. } = outcome.suite;
        let what = failure.text();
        Some(format!(
            "\n  {name}: {what}\n    again: cargo xtask test --family {family}"
        ))
    });
    let failed: Vec<String> = failed.collect();
    (!failed.is_empty()).then(|| {
        format!(
            "{} of {} suites failed:{}",
            failed.len(),
            outcomes.len(),
            failed.concat()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repo() -> Repo {
        use crate::tidy::sample;
        Repo {
            root: "/".into(),
            target: "/target".into(),
            metadata: sample::workspace(&[]),
        }
    }

    fn run_tests(tests: fn(&Repo) -> suites::TestRun) -> Outcome {
        let work = Work::Tests(tests);
        let suite = Suite {
            name: "sample",
            family: "native",
            needs: &[],
            work,
        };
        run_suite(&repo(), Box::leak(Box::new(suite)))
    }

    const PASSED: &str = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured";
    const NOTHING: &str = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured";

    #[test]
    fn a_suite_that_executed_no_test_has_failed() {
        let outcome = run_tests(|_| (vec![NOTHING.to_owned()], Ok(())));
        assert!(
            outcome
                .failure
                .is_some_and(|failure| failure.text().contains("no test"))
        );
        let outcome = run_tests(|_| (Vec::new(), Ok(())));
        assert!(outcome.failure.is_some());
    }

    #[test]
    fn the_report_holds_the_runners_own_lines() {
        let outcome = run_tests(|_| (vec![NOTHING.to_owned(), PASSED.to_owned()], Ok(())));
        assert_eq!(report(&outcome), ["sample: ok, 3 tests", PASSED]);
        assert_eq!(failures(&[outcome]), None);
    }

    #[test]
    fn a_failure_names_its_command_and_how_to_repeat_it() {
        let outcome = run_tests(|_| (vec![PASSED.to_owned()], Err(Failure::work("`x` failed"))));
        assert_eq!(
            failures(&[outcome]).unwrap(),
            "1 of 1 suites failed:\n  sample: `x` failed\n    again: cargo xtask test --family native"
        );
    }
}
