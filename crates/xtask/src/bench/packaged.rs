//! Groups whose program drives the packed package against the simulated endpoint.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Result;
use crate::npm;
use crate::repo::Repo;
use crate::setup::provide;
use crate::shell::{ask, run};

/// A program of Node's that is told where server and package are, once both are built.
pub(super) fn program(repo: &Repo, script: &str) -> Result<Command> {
    provide(repo, &npm::NEEDS)?;
    let tarball = npm::build(repo)?;
    run(Command::new("cargo").args(["build", "--release", "-p", "kneepoint-server"]))?;
    let server = repo.target.join("release/kneepoint-server");
    let mut node = Command::new("node");
    node.env(
        "KNEEPOINT_SERVER",
        server.with_extension(std::env::consts::EXE_EXTENSION),
    );
    node.env("KNEEPOINT_TARBALL", tarball).arg(script);
    Ok(node)
}

/// Ladders on servers whose answer is known.
pub(super) fn knees(repo: &Repo) -> Result<Command> {
    program(repo, "tests/knees/measure.mjs")
}

/// The figures of our reports beside those of other programs.
pub(super) fn agreement(repo: &Repo) -> Result<Command> {
    provide(repo, &["oha"])?;
    program(repo, "tests/peers/agreement/measure.mjs")
}

/// What long and large runs cost the command line's own process.
pub(super) fn endurance(repo: &Repo) -> Result<Command> {
    program(repo, "tests/endurance/measure.mjs")
}

/// The interpreter of a virtual environment of its own that has a package. It is made where Python is
/// there to make it.
pub(super) fn interpreter(repo: &Repo, module: &str, package: &str) -> Result<PathBuf> {
    let folder = repo.target.join("bench/python");
    let python = folder.join(if cfg!(windows) {
        Path::new("Scripts/python.exe")
    } else {
        Path::new("bin/python")
    });
    let has = |code: &str| ask(&python, &["-c", code]).is_some();
    if has(&format!("import {module}")) || ask("python3", &["--version"]).is_none() {
        return Ok(python);
    }
    if !has("") {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder))?;
    }
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet"])
        .args(["--disable-pip-version-check", package]))?;
    Ok(python)
}
