//! Virtual environments for peers in Python, each to be thrown away.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Result;
use crate::repo::Repo;
use crate::shell::{ask, run};

/// The interpreter of the environment `name`, where `module` can be imported: it is made, and pip
/// installs what `packages` says, where that cannot be yet and Python is there to do it.
pub(super) fn interpreter(
    repo: &Repo,
    name: &str,
    module: &str,
    packages: &[&str],
) -> Result<PathBuf> {
    let folder = repo.target.join("bench").join(name);
    let python = folder.join(if cfg!(windows) {
        Path::new("Scripts/python.exe")
    } else {
        Path::new("bin/python")
    });
    let has_module = ask(&python, &["-c", &format!("import {module}")]).is_some();
    if !has_module && ask("python3", &["--version"]).is_some() {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .args(packages))?;
    }
    Ok(python)
}
