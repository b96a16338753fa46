//! Groups whose program drives the packed package against the simulated endpoint.

use std::process::Command;

use super::python::interpreter;
use crate::failure::Result;
use crate::npm;
use crate::repo::Repo;
use crate::server;
use crate::setup::provide;

/// A program of Node's that is told where server and package are, once both are built.
pub(super) fn program(repo: &Repo, script: &str) -> Result<Command> {
    provide(repo, &npm::NEEDS)?;
    let tarball = npm::build(repo)?;
    let mut node = Command::new("node");
    node.env("KNEEPOINT_SERVER", server::release(repo)?);
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

/// The example of an endpoint, beside its counterpart in Python.
pub(super) fn edge(repo: &Repo) -> Result<Command> {
    let list = "tests/peers/edge/requirements.txt";
    let modules = "fastapi, httpx, httptools, uvloop";
    let python = interpreter(repo, "edge-python", modules, &["--requirement", list])?;
    let mut node = program(repo, "tests/peers/edge/measure.mjs")?;
    node.env("PYTHON", python);
    Ok(node)
}
