//! The suites, and how each is run. A new suite is a row in [`SUITES`] and a function.

use std::cell::Cell;
use std::fs;
use std::process::Command;

use serde_json::json;

use super::summary::{is_beginning, is_failure, is_summary};
use crate::checks;
use crate::failure::{Failure, Result};
use crate::npm;
use crate::page;
use crate::repo::{Repo, WASM};
use crate::server;
use crate::setup::chromium::{Browser, find_browser};
use crate::setup::{WASM_BINDGEN, firefox, locate, python};
use crate::shell::{run, run_keeping};
use crate::tidy;

/// Where the tests with official clients lie.
const PEERS: &str = "tests/peers/sdk";

/// The programs that run on `openai` and on the drop-in alike.
const DROP_IN: &str = "tests/peers/openai";

/// A part of the test run.
#[derive(Debug)]
pub(super) struct Suite {
    /// Its heading.
    pub(super) name: &'static str,
    /// What `--family` calls it and its like; CI runs one job per family.
    pub(super) family: &'static str,
    /// What the set-up must provide, by the names of `setup --only`.
    pub(super) needs: &'static [&'static str],
    pub(super) work: Work,
}

impl Suite {
    /// Whether `--fast` keeps it: it needs nothing but Rust itself.
    pub(super) fn is_fast(&self) -> bool {
        self.needs.iter().all(|need| *need == "wasm-target")
    }
}

/// What a suite does.
#[derive(Debug)]
pub(super) enum Work {
    /// Passes or fails as a whole.
    Check(fn(&Repo) -> Result),
    /// Executes tests and answers with the runners' summary lines.
    Tests(fn(&Repo) -> TestRun),
}

/// Summary lines, and whether the runners were content.
pub(super) type TestRun = (Vec<String>, Result);

/// All suites, in the order in which they run: the quick to fail come first.
pub(super) static SUITES: [Suite; 17] = [
    check("format", &[], |_| checks::fmt_check()),
    check("tidy", &[], tidy::check),
    check("lint, native", &[], |_| checks::lint_native()),
    check("lint, wasm", &["wasm-target"], checks::lint_wasm),
    check("documentation", &["wasm-target"], |_| checks::doc()),
    Suite {
        name: "native tests",
        family: "native",
        needs: &[],
        work: Work::Tests(native),
    },
    Suite {
        name: "wasm tests in Node",
        family: "wasm-node",
        needs: &["wasm-target", "node", "wasm-bindgen"],
        work: Work::Tests(wasm_node),
    },
    Suite {
        name: "wasm tests in Chromium",
        family: "wasm-browser",
        needs: &["wasm-target", "wasm-bindgen", "chromium"],
        work: Work::Tests(wasm_browser),
    },
    Suite {
        name: "official clients of npm",
        family: "peers",
        needs: &["node", "npm"],
        work: Work::Tests(peers_npm),
    },
    Suite {
        name: "the drop-in beside its model",
        family: "peers",
        needs: &["wasm-target", "node", "npm", "wasm-bindgen"],
        work: Work::Tests(peers_drop_in),
    },
    Suite {
        name: "official client of Python",
        family: "peers",
        needs: &["python"],
        work: Work::Tests(peers_python),
    },
    Suite {
        name: "the package in every runtime",
        family: "runtimes",
        needs: &[
            "wasm-target",
            "node",
            "npm",
            "wasm-bindgen",
            "chromium",
            "firefox",
        ],
        work: Work::Tests(runtimes),
    },
    Suite {
        name: "the package as projects install it",
        family: "packaging",
        needs: &["wasm-target", "node", "npm", "wasm-bindgen", "chromium"],
        work: Work::Tests(packaging),
    },
    Suite {
        name: "the cache in Redis",
        family: "redis",
        needs: &["wasm-target", "node", "npm", "wasm-bindgen", "redis"],
        work: Work::Tests(redis),
    },
    Suite {
        name: "the edge endpoint in every runtime",
        family: "edge",
        needs: &npm::NEEDS,
        work: Work::Tests(edge),
    },
    Suite {
        name: "the command line",
        family: "cli",
        needs: &npm::NEEDS,
        work: Work::Tests(command_line),
    },
    Suite {
        name: "the page in browsers",
        family: "e2e",
        needs: &[
            "wasm-target",
            "node",
            "npm",
            "wasm-bindgen",
            "trunk",
            "chromium",
            "firefox",
        ],
        work: Work::Tests(end_to_end),
    },
];

const fn check(
    name: &'static str,
    needs: &'static [&'static str],
    check: fn(&Repo) -> Result,
) -> Suite {
    Suite {
        name,
        family: "checks",
        needs,
        work: Work::Check(check),
    }
}

/// The families, each once, in order.
pub(crate) fn families() -> Vec<&'static str> {
    let mut families: Vec<_> = SUITES.iter().map(|suite| suite.family).collect();
    families.dedup();
    families
}

/// Everything in the workspace's `default-members`: unit and integration tests, examples in the
/// documentation.
fn native(_: &Repo) -> TestRun {
    run_keeping(
        Command::new("cargo").args(["test", "--no-fail-fast"]),
        is_summary,
    )
}

fn wasm_node(repo: &Repo) -> TestRun {
    match wasm_test(repo) {
        // A file that asks for a browser is left to the other suite.
        Ok(mut command) => run_keeping(command.env("WASM_BINDGEN_TEST_ONLY_NODE", "1"), is_summary),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

fn wasm_browser(repo: &Repo) -> TestRun {
    let built = wasm_test(repo).and_then(|mut command| run(command.arg("--no-run")));
    match built.and_then(|()| in_chromium(repo, wasm_test(repo)?)) {
        Ok(mut command) => run_in_browser(&mut command),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// Runs browser tests. On a machine with far too much to do, Chromium once in a while does not
/// start: then all is run once more. Tests that began are never given a second chance.
fn run_in_browser(command: &mut Command) -> TestRun {
    let (summaries, begun, result) = run_counting(command);
    let all_that_began_passed =
        summaries.len() == begun && !summaries.iter().any(|line| is_failure(line));
    if result.is_ok() || !all_that_began_passed {
        return (summaries, result);
    }
    println!("A browser did not start. Trying once more.");
    let (summaries, _, result) = run_counting(command);
    (summaries, result)
}

/// The summary lines, and how many targets began to run tests.
fn run_counting(command: &mut Command) -> (Vec<String>, usize, Result) {
    let begun = Cell::new(0);
    let (summaries, result) = run_keeping(command, |line| {
        begun.set(begun.get() + usize::from(is_beginning(line)));
        is_summary(line)
    });
    (summaries, begun.get(), result)
}

/// The official npm packages make their ordinary calls against the simulated endpoint.
fn peers_npm(repo: &Repo) -> TestRun {
    match programs(repo, PEERS) {
        Ok(mut node) => against_the_server(repo, &mut node),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// So does Python's.
fn peers_python(repo: &Repo) -> TestRun {
    let mut python = Command::new(python::interpreter(repo));
    python.arg(format!("{PEERS}/test_openai.py"));
    against_the_server(repo, &mut python)
}

/// The same programs run on `openai` and on the package's drop-in for it.
fn peers_drop_in(repo: &Repo) -> TestRun {
    match npm::build(repo).and_then(|_| programs(repo, DROP_IN)) {
        Ok(mut node) => {
            node.env("KNEEPOINT_PACKAGE", repo.npm().join("kneepoint"));
            against_the_server(repo, &mut node)
        }
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// What the package promises, in each runtime.
fn runtimes(repo: &Repo) -> TestRun {
    with_the_package(repo, "tests/runtimes/run.mjs")
}

/// The packed package, as bundlers, compilers and runtimes take it.
fn packaging(repo: &Repo) -> TestRun {
    with_the_package(repo, "tests/packaging/run.mjs")
}

/// The package's cache in a real Redis, through the clients that programs use.
fn redis(repo: &Repo) -> TestRun {
    match npm::build(repo).and_then(|_| programs(repo, "tests/redis")) {
        Ok(mut node) => against_the_server(repo, &mut node),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// The example of an endpoint, on the packed package, in the runtimes that it is made for.
fn edge(repo: &Repo) -> TestRun {
    if let Err(failure) = npm::build(repo) {
        return (Vec::new(), Err(failure));
    }
    against_the_server(repo, Command::new("node").arg("tests/edge/run.mjs"))
}

/// What the page promises, beside the packed package's command line.
fn end_to_end(repo: &Repo) -> TestRun {
    match page::build(repo) {
        Ok(_) => with_the_package(repo, "tests/e2e/run.mjs"),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// Packs the package, then runs a script of tests that installs it.
fn with_the_package(repo: &Repo, script: &str) -> TestRun {
    let browsers = npm::build(repo).and_then(|_| Ok((find_browser()?, firefox::find_browser()?)));
    match browsers {
        Ok((chromium, firefox)) => {
            let mut node = Command::new("node");
            node.arg(script);
            if let Some(chromium) = chromium {
                node.env("CHROMIUM", chromium.program);
            }
            if let Some(firefox) = firefox {
                node.env("FIREFOX", firefox);
            }
            against_the_server(repo, &mut node)
        }
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// The packed package's command line measures the simulated endpoint.
fn command_line(repo: &Repo) -> TestRun {
    let built = npm::build(repo).and_then(|tarball| Ok((tarball, programs(repo, "tests/cli")?)));
    match built {
        Ok((tarball, mut node)) => against_the_server(repo, node.env("KNEEPOINT_TARBALL", tarball)),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// Node's own test runner, with all the tests of a folder: one that nobody lists would never run.
fn programs(repo: &Repo, folder: &str) -> Result<Command> {
    let listed = fs::read_dir(repo.root.join(folder));
    let entries =
        listed.map_err(|error| Failure::work(format!("cannot list {folder}: {error}")))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".test.mjs"))
        .collect();
    names.sort_unstable();
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"])
        .args(names.iter().map(|name| format!("{folder}/{name}")));
    Ok(node)
}

/// Runs tests that start the server's binary themselves.
fn against_the_server(repo: &Repo, tests: &mut Command) -> TestRun {
    match server::debug(repo) {
        Ok(server) => run_keeping(tests.env("KNEEPOINT_SERVER", server), is_summary),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// `cargo test` for the wasm tests of all packages. Where they run is told to the test runner by
/// its environment, so that one file serves every place.
fn wasm_test(repo: &Repo) -> Result<Command> {
    let tests = repo.wasm_tests();
    if tests.is_empty() {
        return Err(Failure::work(
            "no crate has wasm tests (tests/wasm.rs or tests/web.rs)",
        ));
    }
    let runner = locate(repo, &WASM_BINDGEN, "wasm-bindgen-test-runner")?;
    let runner = runner.ok_or_else(|| Failure::work("wasm-bindgen-test-runner has gone"))?;
    let mut command = Command::new("cargo");
    // Never `--quiet` here: the wasm runner does not know what it is told by it.
    command.args(["test", "--no-fail-fast", "--target", WASM]);
    command.args(tests.iter().flat_map(|tests| ["-p", &tests.package]));
    command.args(repo.wasm_test_flags());
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner);
    Ok(command)
}

fn in_chromium(repo: &Repo, mut command: Command) -> Result<Command> {
    let browser = find_browser()?.ok_or_else(|| Failure::work("Chromium has gone"))?;
    let folder = repo.target.join("test");
    let settings = folder.join("webdriver.json");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&settings, capabilities(&browser)))
        .map_err(|error| Failure::work(format!("{}: {error}", settings.display())))?;
    command
        .env("WASM_BINDGEN_USE_BROWSER", "1")
        .env("WASM_BINDGEN_TEST_ONLY_WEB", "1")
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", settings)
        // Bounds for a hang, not expectations: a loaded machine is slow to start a browser.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
        .env("CHROMEDRIVER", &browser.driver);
    // The runner would prefer any of these to the driver that it is given.
    for other in [
        "GECKODRIVER",
        "SAFARIDRIVER",
        "CHROMEDRIVER_REMOTE",
        "GECKODRIVER_REMOTE",
    ] {
        command.env_remove(other);
    }
    Ok(command)
}

/// What chromedriver is asked for. No sandbox and no `/dev/shm`, which containers and root do not
/// have; the pages are our own tests. Nothing that talks to the network by itself.
fn capabilities(browser: &Browser) -> String {
    let options = json!({
        "binary": browser.program,
        "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync",
        ],
    });
    json!({ "goog:chromeOptions": options }).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::setup::THINGS;

    #[test]
    fn every_need_of_a_suite_can_be_provided() {
        for suite in &SUITES {
            for need in suite.needs {
                assert!(
                    THINGS.iter().any(|thing| thing.name == *need),
                    "{}: {need}",
                    suite.name
                );
            }
        }
    }

    #[test]
    fn the_fast_run_leaves_out_what_needs_another_runtime() {
        let fast = SUITES.iter().filter(|suite| suite.is_fast());
        let mut families: Vec<&str> = fast.map(|suite| suite.family).collect();
        families.dedup();
        assert_eq!(families, ["checks", "native"]);
    }

    #[test]
    fn families_are_listed_once() {
        assert_eq!(
            families(),
            [
                "checks",
                "native",
                "wasm-node",
                "wasm-browser",
                "peers",
                "runtimes",
                "packaging",
                "redis",
                "edge",
                "cli",
                "e2e"
            ]
        );
    }

    #[test]
    fn ci_has_a_job_for_every_family() {
        let workflow = include_str!("../../../../.github/workflows/ci.yml");
        assert!(workflow.contains(&format!("family: [{}]", families().join(", "))));
    }

    /// A shell command that appends a line to a file each time, then runs `script`.
    fn browser(name: &str, script: &str) -> (Command, PathBuf) {
        let file = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("echo >> \"$0\"; {script}")])
            .arg(&file);
        (command, file)
    }

    #[test]
    fn only_a_browser_that_did_not_start_is_tried_again() {
        let passed = "echo 'running 1 test'; echo 'test result: ok. 1 passed; 0 failed'";
        let failed = "echo 'running 1 test'; echo 'test result: FAILED. 0 passed; 1 failed'";
        #[rustfmt::skip]
        let cases = [
            // what runs, how often it does, whether it ends well
            ("passes", passed.to_owned(), 1, true),
            ("fails", format!("{failed}; exit 1"), 1, false),
            ("hangs", "echo 'running 1 test'; exit 1".to_owned(), 1, false),
            ("never-starts", "exit 1".to_owned(), 2, false),
            ("starts-at-last", format!("test $(wc -l < \"$0\") -eq 2 || exit 1; {passed}"), 2, true),
            ("one-of-two", format!("{passed}; test $(wc -l < \"$0\") -eq 2"), 2, true),
        ];
        for (name, script, times, ends_well) in cases {
            let (mut command, file) = browser(name, &script);
            let (_, result) = run_in_browser(&mut command);
            let ran = fs::read_to_string(&file).unwrap().lines().count();
            fs::remove_file(&file).unwrap();
            assert_eq!((ran, result.is_ok()), (times, ends_well), "{name}");
        }
    }
}
