//! Node, which the user provides, and the npm packages under `tests/`, wasm-opt among them.
//!
//! wasm-opt is npm's `binaryen` and never one from the PATH: what Linux distributions ship (108 in
//! Debian 12) is older than the wasm that today's compiler writes, and answers it with a module that
//! does not run, without a word of warning.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::announce;
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::{ask, run};

/// The oldest Node of each line that the bundlers among the tests' packages run on. The next lines will do.
const NODES_MIN: [(u32, u32); 2] = [(20, 19), (22, 12)];

const PACKAGES: &str = "tests/node_modules";
/// npm itself, which on Windows is a batch file: Rust finds those by their whole name only.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
/// Where Trunk looks for wasm-opt. What lies there can be started on Windows by way of a shell only.
pub(crate) const LINKS: &str = "tests/node_modules/.bin";
pub(crate) const ESBUILD: &str = "tests/node_modules/esbuild/bin/esbuild";
pub(crate) const TSC: &str = "tests/node_modules/typescript/bin/tsc";
pub(crate) const WASM_OPT: &str = "tests/node_modules/binaryen/bin/wasm-opt";
const LOCK: &str = "tests/package-lock.json";
/// A copy of the lock file that the packages were installed from, written last. Contents are
/// compared rather than times, which a checkout or a cache may set as they like.
const INSTALLED: &str = "tests/node_modules/.installed-from.json";

pub(super) fn ensure(_: &Repo) -> Result<String> {
    let answer = ask("node", &["--version"]);
    check_version(answer.as_deref()).map_err(Failure::work)?;
    Ok(format!("Node {}", answer.unwrap_or_default()))
}

fn check_version(answer: Option<&str>) -> std::result::Result<(), String> {
    let answer = answer.ok_or("`node --version` does not answer: Node is not on the PATH")?;
    let version = answer.trim_start_matches('v');
    let minor = version.split_once('.').and_then(|(_, rest)| major(rest));
    let found = major(version).zip(minor).unwrap_or_default();
    let [old, new] = NODES_MIN;
    if found >= new || (found.0 == old.0 && found >= old) {
        return Ok(());
    }
    let words = NODES_MIN.map(|(major, minor)| format!("{major}.{minor}"));
    Err(format!(
        "found Node {answer}, need {} or newer",
        words.join(", ")
    ))
}

pub(super) fn ensure_packages(repo: &Repo) -> Result<String> {
    let lock = fs::read(LOCK).map_err(|error| Failure::work(format!("{LOCK}: {error}")))?;
    if fs::read(INSTALLED).is_ok_and(|installed| installed == lock) {
        return Ok(format!("{PACKAGES} as locked"));
    }
    ensure(repo)?;
    announce("installing the npm packages of the tests", "npm");
    let mut npm = npm();
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir("tests");
    run(&mut npm)?;
    // The one install script that is needed: it puts Bun's program, which npm has brought along
    // like any other package, where `bun` is looked for.
    run(Command::new("node")
        .arg("install.js")
        .current_dir(Path::new(PACKAGES).join("bun")))?;
    check_wasm_opt(repo.pin("binaryen")?)?;
    fs::write(INSTALLED, lock).map_err(|error| Failure::work(format!("{INSTALLED}: {error}")))?;
    Ok(format!("{PACKAGES}, installed now"))
}

/// A call of npm.
pub(crate) fn npm() -> Command {
    Command::new(NPM)
}

/// A call of a program that one of the packages brings along, by the script that its package names.
pub(crate) fn tool(script: &str) -> Command {
    let mut node = Command::new("node");
    node.arg(script);
    node
}

fn check_wasm_opt(pin: &str) -> Result {
    let answer = ask("node", &[WASM_OPT, "--version"]).unwrap_or_default();
    if wasm_opt_will_do(&answer, pin) {
        return Ok(());
    }
    Err(Failure::work(format!(
        "npm's wasm-opt answered `{answer}`, need version {pin} or newer"
    )))
}

/// Whether `wasm-opt version 132 (…)` is at least the pinned npm version `132.0.0`.
fn wasm_opt_will_do(answer: &str, pin: &str) -> bool {
    let found = answer.strip_prefix("wasm-opt version ").and_then(major);
    found.is_some() && found >= major(pin)
}

/// The number that a version starts with.
fn major(version: &str) -> Option<u32> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_or_missing_node_is_told_with_what_is_needed() {
        for new_enough in ["v20.19.0", "v20.20.2", "v22.12.0", "v23.0.0", "v26.1.0"] {
            assert_eq!(check_version(Some(new_enough)), Ok(()));
        }
        for old in ["v18.20.4", "v20.3.1", "v20.18.1", "v21.7.3", "v22.11.0"] {
            let told = format!("found Node {old}, need 20.19, 22.12 or newer");
            assert_eq!(check_version(Some(old)), Err(told));
        }
        assert!(check_version(None).unwrap_err().contains("not on the PATH"));
        assert!(check_version(Some("nonsense")).is_err());
    }

    #[test]
    fn a_wasm_opt_older_than_the_pin_is_refused() {
        #[rustfmt::skip]
        let cases = [
            ("wasm-opt version 132 (version_132)", true),
            ("wasm-opt version 140", true),
            ("wasm-opt version 108", false), // Debian 12's
            ("wasm-opt version 13", false),
            ("", false),
        ];
        for (answer, expected) in cases {
            assert_eq!(wasm_opt_will_do(answer, "132.0.0"), expected, "{answer}");
        }
    }
}
