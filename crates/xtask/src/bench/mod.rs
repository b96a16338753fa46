//! `cargo xtask bench`: what we cost beside what our peers cost on the same work.
//!
//! Machines are shared and noisy, so only ratios count: subject and peers work in turn, A B A B …,
//! and the ratio is taken within each round. A target that is missed fails the command.

mod client;
mod measure;
mod packaged;
mod page;
mod player;
mod python;
mod reference;
mod report;
mod stats;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::args::{Args, choose};
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::{run, short};
use measure::{Work, measure};

/// Rounds of a run without `--runs`.
const RUNS: usize = 15;
/// Bounds `--runs`: beyond this the median no longer moves.
const RUNS_MAX: usize = 1000;

/// Works that are measured together.
struct Group {
    name: &'static str,
    about: &'static str,
    kind: Kind,
}

enum Kind {
    /// Works of a subject and its peers, measured here. The function builds what they need.
    Paired(fn(&Repo) -> Result<Vec<Work>>),
    /// A program that measures by itself, prints its own table, writes `target/bench/<group>.json`
    /// (the environment's [`FILE`]) and fails when a target is missed. The function builds it.
    Own(fn(&Repo) -> Result<Command>),
}

static GROUPS: [Group; 10] = [
    Group {
        name: "stats",
        about: "summarising a million samples, against Python's statistics and numpy",
        kind: Kind::Paired(stats::works),
    },
    Group {
        name: "client",
        about: "calls, streams, decoding and start of the npm package, against openai and fetch",
        kind: Kind::Paired(client::works),
    },
    Group {
        name: "reference",
        about: "a thousand calls at once by the command line, against the script in Python",
        kind: Kind::Paired(reference::works),
    },
    Group {
        name: "page",
        about: "the page's engine against plain fetch, its figures, size, start and drawing, in Chromium",
        kind: Kind::Own(page::command),
    },
    Group {
        name: "storms",
        about: "goodput, loss and waste of the limiter on simulated servers",
        kind: Kind::Own(|_| Ok(cargo_bench(&["-p", "kneepoint-core", "--bench", "storms"]))),
    },
    Group {
        name: "server",
        about: "throughput, timing, memory, the proxy's share and aborts of kneepoint-server",
        kind: Kind::Own(|_| Ok(cargo_bench(&["-p", "kneepoint-server"]))),
    },
    Group {
        name: "edge",
        about: "the example of an endpoint, against FastAPI and httpx; its cache, its start",
        kind: Kind::Own(packaged::edge),
    },
    Group {
        name: "knees",
        about: "ladders of the command line on six servers whose answer is known",
        kind: Kind::Own(packaged::knees),
    },
    Group {
        name: "agreement",
        about: "figures of the command line beside oha's and a plain client's in Python",
        kind: Kind::Own(packaged::agreement),
    },
    Group {
        name: "endurance",
        about: "memory over a million requests, and a thousand streams at once",
        kind: Kind::Own(packaged::endurance),
    },
];

fn cargo_bench(words: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.arg("bench").args(words);
    command
}

/// `cargo xtask bench`.
pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    let runs = args
        .count("--runs", RUNS, RUNS_MAX)
        .map_err(Failure::Usage)?;
    let Some(name) = args.word() else {
        println!("Groups of measurements, each run by `cargo xtask bench <group>`:");
        for group in &GROUPS {
            println!("  {:<9} {}", group.name, group.about);
        }
        return Ok(());
    };
    let group = choose("group", name, &GROUPS, |group| group.name).map_err(Failure::Usage)?;
    let folder = repo.target.join("bench");
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::work(format!("{}: {error}", folder.display())))?;
    let file = folder.join(format!("{name}.json"));
    match group.kind {
        Kind::Paired(works) => paired(name, works(repo)?, runs, &file),
        Kind::Own(_) if args.has("--runs") => Err(Failure::Usage(format!(
            "`--runs`: the group `{name}` chooses its own rounds"
        ))),
        Kind::Own(program) => own(&mut program(repo)?, &repo.path()?, &file),
    }
}

fn paired(name: &str, works: Vec<Work>, runs: usize, file: &Path) -> Result {
    let results = works
        .into_iter()
        .map(|work| measure(work, runs))
        .collect::<Result<Vec<_>>>()?;
    println!();
    for line in results.iter().flat_map(report::table) {
        println!("{line}");
    }
    let json = report::json(name, runs, &results);
    fs::write(file, json).map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
    println!("written to {}", short(file));
    let missed = report::missed(&results);
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::work(format!(
        "targets missed: {}",
        missed.join("; ")
    )))
}

/// Where a program that measures by itself finds the name of its file.
const FILE: &str = "KNEEPOINT_BENCH_FILE";

/// Runs a program that measures by itself, with the tools built here on its PATH.
fn own(program: &mut Command, path: &OsStr, file: &Path) -> Result {
    // What an earlier run wrote must not pass for the result of this one.
    if file.exists() {
        fs::remove_file(file)
            .map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
    }
    run(program.env("PATH", path).env(FILE, file))?;
    if !file.exists() {
        return Err(Failure::work(format!("the group wrote no {}", short(file))));
    }
    println!("written to {}", short(file));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_measures_by_itself_must_write_its_file() {
        let file = std::env::temp_dir().join(format!("xtask-bench-{}.json", std::process::id()));
        fs::write(&file, "of an earlier run").unwrap();
        let tools = std::env::var_os("PATH").unwrap();
        let failure = own(&mut Command::new("true"), &tools, &file).unwrap_err();
        assert!(
            failure.text().starts_with("the group wrote no"),
            "{}",
            failure.text()
        );

        let path = file.to_str().unwrap();
        assert_eq!(own(Command::new("touch").arg(path), &tools, &file), Ok(()));
        assert!(
            own(&mut Command::new("false"), &tools, &file)
                .unwrap_err()
                .text()
                .contains("false` failed")
        );
        assert!(!file.exists());
    }
}
