//! `cargo xtask tidy`: rules about this repository that no other tool checks.
//!
//! Every rule is a pure function over a file's path and text, or over what Cargo says of the
//! workspace, and has tests that show it failing.

mod circles;
mod imports;
mod leftovers;
mod manifests;
mod names;
mod pins;
#[cfg(test)]
pub(crate) mod sample;
mod shape;
mod text;

use std::fs;
use std::process::Command;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::output;

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// From the repository's root, with `/`.
    path: String,
    text: String,
}

impl File {
    /// The part of the path behind the last dot, or nothing.
    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Whether the file holds what the world sends us, byte for byte: no rule of style applies.
    fn is_fixture(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "fixtures" || part == "corpus")
    }

    /// Whether a program wrote it.
    fn is_generated(&self) -> bool {
        self.path.ends_with("Cargo.lock") || self.path.ends_with("package-lock.json")
    }
}

/// A broken rule.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    /// `path` or `path:line`.
    place: String,
    what: String,
}

impl Problem {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }

    /// At a line, counted from 0.
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{}", line + 1), what)
    }
}

/// Rules over the text of each file that people wrote.
const TEXT_RULES: [fn(&File) -> Vec<Problem>; 8] = [
    shape::header,
    shape::length,
    text::whitespace,
    text::ending,
    text::merge_markers,
    text::foreign_paths,
    leftovers::marks,
    leftovers::commented_code,
];

/// `cargo xtask tidy`.
pub(crate) fn command(repo: &Repo, _: &Args) -> Result {
    check(repo)
}

/// Fails with all broken rules.
pub(crate) fn check(repo: &Repo) -> Result {
    let paths = list()?;
    let files: Vec<File> = paths.iter().filter_map(|path| read(path)).collect();

    let mut problems: Vec<Problem> = paths.iter().flat_map(|path| names::check(path)).collect();
    let written = files
        .iter()
        .filter(|file| !file.is_fixture() && !file.is_generated());
    problems.extend(written.flat_map(|file| TEXT_RULES.iter().flat_map(move |rule| rule(file))));
    problems.extend(manifests::check_all(repo, &files));
    problems.extend(pins::check(&files));
    problems.extend(imports::check(&repo.metadata));
    problems.extend(circles::check(&files));

    if problems.is_empty() {
        println!("{} files are tidy", paths.len());
        return Ok(());
    }
    for Problem { place, what } in &problems {
        println!("{place}: {what}");
    }
    Err(Failure::work(format!(
        "tidy found {} problems, listed above",
        problems.len()
    )))
}

/// The files of the repository, those not yet added too, without those that git ignores.
fn list() -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = output(&mut git)?;
    let paths = listed
        .split('\0')
        .filter(|path| fs::symlink_metadata(path).is_ok());
    Ok(paths.map(str::to_owned).collect())
}

/// The file's text, or nothing when it holds no text.
fn read(path: &str) -> Option<File> {
    let text = String::from_utf8(fs::read(path).ok()?).ok()?;
    (!text.contains('\0')).then(|| File {
        path: path.to_owned(),
        text,
    })
}
