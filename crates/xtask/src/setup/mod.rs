//! Provides what the other commands need, on a machine that has Rust (by rustup) and Node.
//!
//! Every step first looks whether its thing is there, by files and `--version` only, so that a
//! repeated set-up costs a fraction of a second and no network. What is built goes to
//! `target/tools`, never to the user's own folders; only the browsers and Redis are system packages. A step
//! that was interrupted starts again, or goes on where it stopped, the next time.

mod cargo_tool;
pub(crate) mod chromium;
pub(crate) mod firefox;
pub(crate) mod node;
pub(crate) mod python;
mod redis;
mod wasm_target;

pub(crate) use cargo_tool::{TRUNK, WASM_BINDGEN, locate};

use crate::args::{Args, choose};
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::{now, seconds};

/// Something that can be provided.
#[derive(Debug)]
pub(crate) struct Thing {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it is for.
    pub(crate) why: &'static str,
    /// What to do when it cannot be provided.
    by_hand: &'static str,
    /// Looks for it, provides it when it is missing, and says in a few words what is there.
    ensure: fn(&Repo) -> Result<String>,
}

/// Everything that can be provided, in the order in which it is.
pub(crate) static THINGS: [Thing; 11] = [
    Thing {
        name: "wasm-target",
        why: "Rust's library for wasm",
        by_hand: "rustup target add wasm32-unknown-unknown",
        ensure: wasm_target::ensure,
    },
    Thing {
        name: "node",
        why: "runs wasm tests and the tools that npm provides",
        by_hand: "install Node 20.19, 22.12 or newer from https://nodejs.org or your package manager, \
                  so that `node --version` answers",
        ensure: node::ensure,
    },
    Thing {
        name: "npm",
        why: "the packages of tests/package.json, wasm-opt among them",
        by_hand: "cd tests && npm ci --ignore-scripts",
        ensure: node::ensure_packages,
    },
    Thing {
        name: "wasm-bindgen",
        why: "writes the JavaScript side of the wasm and runs its tests",
        by_hand: "cargo install wasm-bindgen-cli --version <the one in Cargo.toml>; \
                  found on the PATH, it is used",
        ensure: |repo| cargo_tool::ensure(repo, &WASM_BINDGEN),
    },
    Thing {
        name: "trunk",
        why: "builds the page",
        by_hand: "cargo install trunk --locked --version <the one in Cargo.toml>; \
                  found on the PATH, it is used",
        ensure: |repo| cargo_tool::ensure(repo, &TRUNK),
    },
    Thing {
        name: "chromium",
        why: "the browser of the browser tests, and its driver",
        by_hand: chromium::BY_HAND,
        ensure: |_| chromium::ensure(),
    },
    Thing {
        name: "firefox",
        why: "the other browser that the package is tried in",
        by_hand: firefox::BY_HAND,
        ensure: |_| firefox::ensure(),
    },
    Thing {
        name: "python",
        why: "runs the official Python client against the simulated endpoint",
        by_hand: "install Python 3.9 or newer with its venv module, so that `python3 --version` \
                  or `python --version` answers (Debian: apt-get install python3-venv)",
        ensure: python::ensure,
    },
    Thing {
        name: "redis",
        why: "the store that programs share, which the package's cache is tried with",
        by_hand: redis::BY_HAND,
        ensure: |_| redis::ensure(),
    },
    Thing {
        name: "cargo-fuzz",
        why: "runs the fuzz targets",
        by_hand: "cargo install cargo-fuzz --version <the one in Cargo.toml>; \
                  found on the PATH, it is used",
        ensure: |repo| cargo_tool::ensure(repo, &cargo_tool::CARGO_FUZZ),
    },
    Thing {
        name: OPTIONAL,
        why: "the load generator of `cargo xtask bench server` and `agreement`",
        by_hand: "cargo install oha --locked --version <the one in Cargo.toml>; \
                  found on the PATH, it is used",
        ensure: |repo| cargo_tool::ensure(repo, &cargo_tool::OHA),
    },
];

/// Provided only when named: one measurement asks for it by itself, another does without.
const OPTIONAL: &str = "oha";

/// `cargo xtask setup`.
pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    let mut names = args.values("--only");
    for name in &names {
        choose("thing", name, &THINGS, |thing| thing.name).map_err(Failure::Usage)?;
    }
    if names.is_empty() {
        let all = THINGS.iter().map(|thing| thing.name);
        names = all.filter(|name| *name != OPTIONAL).collect();
    }
    provide(repo, &names)
}

/// Provides the named things, and says in one line per thing what is there.
pub(crate) fn provide(repo: &Repo, names: &[&str]) -> Result {
    let started = now();
    for thing in THINGS.iter().filter(|thing| names.contains(&thing.name)) {
        let there = (thing.ensure)(repo).map_err(|failure| {
            Failure::work(format!(
                "setup could not provide {} ({}).\n  what failed: {}\n  by hand: {}",
                thing.name,
                thing.why,
                failure.text(),
                thing.by_hand
            ))
        })?;
        println!("ok {:<13}{there}", thing.name);
    }
    println!("set-up: {}", seconds(started.elapsed()));
    Ok(())
}

/// Announces a step that takes time: what is done, and why.
fn announce(what: &str, name: &str) {
    let thing = THINGS.iter().find(|thing| thing.name == name);
    println!("setup: {what} ({})", thing.map_or("", |thing| thing.why));
}
