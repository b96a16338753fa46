//! `cargo xtask fuzz`: runs the core's fuzz targets, each for a while.
//!
//! The targets assert laws, not only that nothing panics. What a run learns stays in `target/fuzz`,
//! so that the next one goes on from there; the seeds in the repository are only read.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::args::{Args, choose};
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::setup::provide;
use crate::shell::{ask, run, short};

/// Where the targets live: a workspace of their own, because they need a nightly compiler.
const FUZZ: &str = "crates/core/fuzz";

/// Each target runs for so many seconds unless told otherwise.
const SECONDS: usize = 60;
/// A day.
const SECONDS_MAX: usize = 86_400;

/// An input that takes longer, in seconds, or needs more memory, in MiB, is a finding.
const INPUT_SECONDS_MAX: u32 = 10;
const INPUT_MEBIBYTES_MAX: u32 = 1024;

/// `cargo xtask fuzz`.
pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    let seconds = match args.word() {
        None => SECONDS,
        Some(word) => seconds(word).map_err(Failure::Usage)?,
    };
    let all = targets(&repo.root.join(FUZZ))?;
    let mut names = args.values("--target");
    for name in &names {
        choose("target", name, &all, String::as_str).map_err(Failure::Usage)?;
    }
    if names.is_empty() {
        names = all.iter().map(String::as_str).collect();
    }
    if ask(Path::new("cargo"), &["+nightly", "--version"]).is_none() {
        return Err(Failure::work(
            "fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal",
        ));
    }
    provide(repo, &["cargo-fuzz"])?;
    for name in names {
        let learned = repo.target.join("fuzz").join(name);
        fs::create_dir_all(&learned)
            .map_err(|error| Failure::work(format!("{}: {error}", learned.display())))?;
        fuzz(repo, name, &learned, seconds)?;
    }
    Ok(())
}

fn fuzz(repo: &Repo, name: &str, learned: &Path, seconds: usize) -> Result {
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz", "run", "--fuzz-dir", FUZZ, name])
        .arg(short(learned))
        .arg(format!("{FUZZ}/corpus/{name}"))
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={INPUT_MEBIBYTES_MAX}"))
        .arg("-print_final_stats=1")
        .env("PATH", repo.path()?)
        // This process was started by the pinned compiler, and says so to its children.
        .env_remove("RUSTUP_TOOLCHAIN");
    let dictionary = format!("{FUZZ}/{name}.dict");
    if Path::new(&dictionary).exists() {
        command.arg(format!("-dict={dictionary}"));
    }
    run(&mut command).map_err(|failure| {
        Failure::work(format!(
            "{}\n  the input is in {FUZZ}/artifacts/{name}; once it is understood, \
             keep it as {FUZZ}/corpus/{name}/found_<what>",
            failure.text()
        ))
    })
}

fn seconds(word: &str) -> std::result::Result<usize, String> {
    let range = 1..=SECONDS_MAX;
    word.parse()
        .ok()
        .filter(|seconds| range.contains(seconds))
        .ok_or_else(|| {
            format!("`{word}`: expected seconds for each target, from 1 to {SECONDS_MAX}")
        })
}

/// The names of the targets: one file each.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.join("fuzz_targets");
    let entries = fs::read_dir(&folder)
        .map_err(|error| Failure::work(format!("{}: {error}", folder.display())))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_of_seconds_within_a_day() {
        assert_eq!(seconds("600"), Ok(600));
        for word in ["0", "-1", "10m", "", "86401"] {
            assert!(
                seconds(word).unwrap_err().contains("from 1 to 86400"),
                "{word}"
            );
        }
    }

    #[test]
    fn every_target_has_seeds_that_the_tests_replay() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../")
            .join(FUZZ);
        let names = targets(&folder).unwrap();
        assert_eq!(names, ["client", "delta", "hints", "sse"]);
        for name in names {
            assert!(
                fs::read_dir(folder.join("corpus").join(&name))
                    .unwrap()
                    .count()
                    > 5,
                "{name}"
            );
        }
    }
}
