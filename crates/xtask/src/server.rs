//! The server's program, for those who drive it.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Result;
use crate::repo::Repo;
use crate::shell::run;

/// Builds it as it is shipped, for people and for measurements, and answers where it lies.
pub(crate) fn release(repo: &Repo) -> Result<PathBuf> {
    build(repo, "release", &["--release"])
}

/// Builds it as tests have it, and answers where it lies.
pub(crate) fn debug(repo: &Repo) -> Result<PathBuf> {
    build(repo, "debug", &[])
}

fn build(repo: &Repo, folder: &str, flags: &[&str]) -> Result<PathBuf> {
    let package = ["build", "--package", "kneepoint-server"];
    run(Command::new("cargo").args(package).args(flags))?;
    let program = repo.target.join(folder).join("kneepoint-server");
    Ok(program.with_extension(std::env::consts::EXE_EXTENSION))
}
