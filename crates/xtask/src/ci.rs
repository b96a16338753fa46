//! `cargo xtask ci`: what CI will see. Clones the last commit into a fresh folder and runs the whole
//! test command there, so that a file that was never added, one that only lies here, or a lock file
//! that is behind its manifest is found before it is pushed.

use std::fs;
use std::process::Command;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::{output, run, short};

/// Variables by which this process would reach into the clone's Cargo.
const INHERITED: [&str; 3] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "RUSTUP_TOOLCHAIN",
];

/// `cargo xtask ci`.
pub(crate) fn command(repo: &Repo, args: &Args) -> Result {
    let changes = output(&mut status())?;
    if !changes.is_empty() {
        println!("These changes are not committed, so CI would not see them:\n{changes}");
    }
    let folder = repo.target.join("ci");
    let remove = || {
        fs::remove_dir_all(&folder)
            .map_err(|error| Failure::work(format!("removing {}: {error}", folder.display())))
    };
    if folder.exists() {
        remove()?;
    }
    run(Command::new("git")
        .args(["clone", "--quiet"])
        .arg(&repo.root)
        .arg(&folder))?;

    let mut test = Command::new("cargo");
    test.args(["xtask", "test"]).current_dir(&folder);
    test.env("CARGO_TARGET_DIR", folder.join("target"));
    for name in INHERITED {
        test.env_remove(name);
    }
    if !args.has("--cold") {
        // Tools of the pinned versions are found on the PATH and need not be built again.
        test.env("PATH", repo.path()?);
    }
    run(&mut test).map_err(|failure| {
        Failure::work(format!(
            "{}\n  the clone is kept in {}",
            failure.text(),
            short(&folder)
        ))
    })?;
    let changes = output(status().current_dir(&folder))?;
    if !changes.is_empty() {
        return Err(Failure::work(format!(
            "the run changed files of the repository, which should have been committed:\n{changes}"
        )));
    }
    remove()
}

fn status() -> Command {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain"]);
    git
}
