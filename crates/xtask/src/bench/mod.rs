//! `cargo xtask bench`: what we cost beside what our peers cost on the same work.
//!
//! Machines are shared and noisy, so only ratios count: subject and peers run in turn, A B A B …,
//! and the ratio is taken within each round. A target that is missed fails the command.

mod client;
mod measure;
mod page;
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
const RUNS: usize = 5;
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
    /// and fails when a target is missed.
    Own(&'static [&'static str]),
    /// The same, but for what it needs, which the function builds. It is told the file's name last.
    Built(fn(&Repo) -> Result<Command>),
}

static GROUPS: [Group; 6] = [
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
        about: "the page's engine against plain fetch, its size, start and drawing, in Chromium",
        kind: Kind::Built(page::command),
    },
    Group {
        name: "storms",
        about: "goodput, loss and waste of the limiter on simulated servers",
        kind: Kind::Own(&[
            "cargo",
            "bench",
            "-p",
            "kneepoint-core",
            "--bench",
            "storms",
        ]),
    },
    Group {
        name: "server",
        about: "throughput, timing, memory, the proxy's share and aborts of kneepoint-server",
        kind: Kind::Own(&["cargo", "bench", "-p", "kneepoint-server"]),
    },
];

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
        Kind::Own(_) | Kind::Built(_) if args.has("--runs") => Err(Failure::Usage(format!(
            "`--runs`: the group `{name}` chooses its own rounds"
        ))),
        Kind::Own(words) => own(
            Command::new(words[0]).args(&words[1..]),
            &repo.path()?,
            &file,
        ),
        Kind::Built(command) => own(command(repo)?.arg(&file), &repo.path()?, &file),
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

/// Runs a program that measures by itself, with the tools built here on its PATH.
fn own(command: &mut Command, path: &OsStr, file: &Path) -> Result {
    // What an earlier run wrote must not pass for the result of this one.
    if file.exists() {
        fs::remove_file(file)
            .map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
    }
    run(command.env("PATH", path))?;
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
                .contains("`false` failed")
        );
        assert!(!file.exists());
    }
}
