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

/// What Python is called here, by what the names answer. On Windows it is `python`, and `python3` may
/// be a stub that answers nothing.
fn chosen(answer: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let is_python = |name: &&str| answer(name).is_some_and(|said| said.starts_with("Python 3."));
    ["python3", "python"].into_iter().find(is_python)
}

pub(super) fn ensure(repo: &Repo) -> Result<String> {
    let wanted = fs::read(REQUIREMENTS)
        .map_err(|error| Failure::work(format!("{REQUIREMENTS}: {error}")))?;
    // A copy of the list that the packages were installed from, written last.
    let installed = environment(repo).join("installed-from.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(format!("the packages of {REQUIREMENTS}"));
    }
    let python = chosen(|name| ask(name, &["--version"])).ok_or_else(|| {
        Failure::work("`python3 --version` does not answer: Python is not on the PATH")
    })?;
    announce("installing the Python packages of the tests", "python");
    run(Command::new(python)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_is_called_as_the_system_calls_it() {
        let said = |word: &str| Some(word.to_owned());
        #[rustfmt::skip]
        let cases = [
            // python3, python, chosen
            (said("Python 3.12.1"), said("Python 2.7.18"), Some("python3")),
            (said("Python 3.12.1"), None, Some("python3")),
            (None, said("Python 3.12.1"), Some("python")), // python.org's for Windows
            (said(""), said("Python 3.12.1"), Some("python")),
            (None, said("Python 2.7.18"), None),
            (None, None, None),
        ];
        for (three, plain, expected) in cases {
            let answer = |name: &str| {
                if name == "python3" {
                    three.clone()
                } else {
                    plain.clone()
                }
            };
            assert_eq!(chosen(answer), expected, "{three:?} {plain:?}");
        }
    }
}
