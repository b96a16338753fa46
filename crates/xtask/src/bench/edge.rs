//! The group `edge`: the example of an endpoint, beside its counterpart in Python.

use std::process::Command;

use super::python::interpreter;
use crate::failure::Result;
use crate::npm;
use crate::repo::Repo;
use crate::setup::provide;
use crate::shell::run;

/// Where the programs lie, and the list of what the counterpart imports.
const FOLDER: &str = "tests/peers/edge";

/// Builds the package and the server, makes the environment of the counterpart, and answers the
/// program that measures.
pub(super) fn program(repo: &Repo) -> Result<Command> {
    provide(repo, &npm::NEEDS)?;
    npm::build(repo)?;
    run(Command::new("cargo").args(["build", "--release", "-p", "kneepoint-server"]))?;
    let server = repo.target.join("release/kneepoint-server");
    let list = format!("{FOLDER}/requirements.txt");
    let python = interpreter(
        repo,
        "edge-python",
        "fastapi, httpx, httptools, uvloop",
        &["--requirement", &list],
    )?;
    let mut program = Command::new("node");
    program
        .arg(format!("{FOLDER}/measure.mjs"))
        .arg(repo.target.join("bench/edge.json"))
        .env(
            "KNEEPOINT_SERVER",
            server.with_extension(std::env::consts::EXE_EXTENSION),
        )
        .env("PYTHON", python);
    Ok(program)
}
