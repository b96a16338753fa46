//! Python, which the user provides, and a virtual environment of our own under `target/tools` with
//! the packages that the tests name.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::announce;
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::{ask, run};

const REQUIREMENTS: &str = "tests/peers/sdk/requirements.txt";

fn environment(repo: &Repo) -> PathBuf {
    repo.tools().join("python")
}

/// The interpreter that has the packages.
pub(crate) fn interpreter(repo: &Repo) -> PathBuf {
    let (folder, program) = if cfg!(windows) {
        ("Scripts", "python.exe")
    } else {
        ("bin", "python")
    };
    environment(repo).join(folder).join(program)
}

pub(super) fn ensure(repo: &Repo) -> Result<String> {
    let wanted = fs::read(REQUIREMENTS)
        .map_err(|error| Failure::work(format!("{REQUIREMENTS}: {error}")))?;
    // A copy of the list that the packages were installed from, written last.
    let installed = environment(repo).join("installed-from.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(format!("the packages of {REQUIREMENTS}"));
    }
    if ask("python3", &["--version"]).is_none() {
        return Err(Failure::work(
            "`python3 --version` does not answer: Python is not on the PATH",
        ));
    }
    announce("installing the Python packages of the tests", "python");
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(environment(repo)))?;
    let mut pip = Command::new(interpreter(repo));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    run(pip.args(["--requirement", REQUIREMENTS]))?;
    fs::write(&installed, wanted)
        .map_err(|error| Failure::work(format!("{}: {error}", installed.display())))?;
    Ok(format!("the packages of {REQUIREMENTS}, installed now"))
}
