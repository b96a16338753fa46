//! Tools that Cargo builds from crates.io, each at exactly the version pinned in Cargo.toml.
//!
//! One of that version on the PATH is used as it is. Otherwise the tool is built into
//! `target/tools/bin`, with a profile that compiles fast: most of these programs run for seconds.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::announce;
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::shell::{ask, find, run};

/// A tool and how it is built.
#[derive(Debug)]
pub(crate) struct CargoTool {
    /// Its name in `[workspace.metadata.tools]` and for `--only`.
    name: &'static str,
    /// The package on crates.io.
    package: &'static str,
    /// The programs that we use of it.
    programs: &'static [&'static str],
    /// What `cargo install` is told besides the version.
    install: &'static [&'static str],
    opt_level: &'static str,
}

/// wasm-bindgen's command line and test runner. Not `--locked`: its lock file names versions that
/// some registry mirrors do not have yet, and any that fit do.
pub(crate) static WASM_BINDGEN: CargoTool = CargoTool {
    name: "wasm-bindgen",
    package: "wasm-bindgen-cli",
    programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
    install: &["--bin", "wasm-bindgen", "--bin", "wasm-bindgen-test-runner"],
    opt_level: "1",
};

/// Trunk, without its downloader: Trunk.toml says `offline`, the tools it calls come from here.
pub(crate) static TRUNK: CargoTool = CargoTool {
    name: "trunk",
    package: "trunk",
    programs: &["trunk"],
    install: &["--locked", "--no-default-features"],
    opt_level: "0",
};

/// The driver of the fuzz targets.
pub(super) static CARGO_FUZZ: CargoTool = CargoTool {
    name: "cargo-fuzz",
    package: "cargo-fuzz",
    programs: &["cargo-fuzz"],
    install: &[],
    opt_level: "0",
};

/// The load generator that the server is measured with. Optimised: its own speed is part of the
/// measurement.
pub(super) static OHA: CargoTool = CargoTool {
    name: "oha",
    package: "oha",
    programs: &["oha"],
    install: &["--locked"],
    opt_level: "3",
};

/// Provides a tool.
pub(super) fn ensure(repo: &Repo, tool: &CargoTool) -> Result<String> {
    if missing(repo, tool)?.is_none() {
        return Ok(format!("{} {}", tool.name, repo.pin(tool.name)?));
    }
    install(repo, tool)?;
    match missing(repo, tool)? {
        None => Ok(format!("{} {}, built now", tool.name, repo.pin(tool.name)?)),
        Some(program) => Err(Failure::work(format!(
            "cargo install succeeded, yet `{program} --version` does not answer {}",
            repo.pin(tool.name)?
        ))),
    }
}

/// Where a program of a tool lies: built here, or on the PATH with the same version.
pub(crate) fn locate(repo: &Repo, tool: &CargoTool, program: &str) -> Result<Option<PathBuf>> {
    let version = repo.pin(tool.name)?;
    let built = repo
        .tools()
        .join("bin")
        .join(program)
        .with_extension(std::env::consts::EXE_EXTENSION);
    let candidates = [Some(built), find(program)];
    Ok(candidates.into_iter().flatten().find(|file| {
        ask(file, &["--version"]).is_some_and(|answer| answers(&answer, program, version))
    }))
}

fn missing(repo: &Repo, tool: &CargoTool) -> Result<Option<&'static str>> {
    for program in tool.programs {
        if locate(repo, tool, program)?.is_none() {
            return Ok(Some(program));
        }
    }
    Ok(None)
}

/// Whether `trunk 0.21.14 (…)` is an answer of `trunk` at version `0.21.14`.
fn answers(answer: &str, program: &str, version: &str) -> bool {
    let mut words = answer.split_whitespace();
    words.next() == Some(program) && words.next() == Some(version)
}

fn install(repo: &Repo, tool: &CargoTool) -> Result {
    let version = repo.pin(tool.name)?;
    announce(
        &format!("building {} {version}, a few minutes", tool.package),
        tool.name,
    );
    // A folder of its own that outlives an interruption, so that the next try goes on from there.
    let build = repo.tools().join("build").join(tool.name);
    let mut command = Command::new("cargo");
    command
        .args(["install", tool.package, "--version", version])
        .args(tool.install)
        .arg("--root")
        .arg(repo.tools())
        // A tool of this name and version that does not answer is built again.
        .arg("--force")
        // cargo warns of programs that it puts outside the PATH.
        .env("PATH", repo.path()?)
        .env("CARGO_TARGET_DIR", &build)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.opt_level)
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
        .env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
    run(&mut command)?;
    fs::remove_dir_all(&build)
        .map_err(|error| Failure::work(format!("removing {}: {error}", build.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_at_the_pinned_version_will_do() {
        #[rustfmt::skip]
        let cases = [
            ("wasm-bindgen 0.2.130", true),
            ("wasm-bindgen 0.2.130 (a1b2c3)", true),
            ("wasm-bindgen 0.2.13", false),
            ("wasm-bindgen 0.2.1301", false),
            ("other 0.2.130", false),
            ("", false),
        ];
        for (answer, expected) in cases {
            assert_eq!(
                answers(answer, "wasm-bindgen", "0.2.130"),
                expected,
                "{answer}"
            );
        }
    }
}
