//! The static checks that Cargo provides: format, lints, documentation. Warnings are errors.

use std::process::Command;

use crate::args::Args;
use crate::failure::Result;
use crate::parts::wasm_packages;
use crate::repo::{Repo, WASM};
use crate::setup::provide;
use crate::shell::run;

/// `cargo xtask fmt`.
pub(crate) fn fmt_command(_: &Repo, args: &Args) -> Result {
    if args.has("--check") {
        fmt_check()
    } else {
        run(&mut cargo(&["fmt", "--all"]))
    }
}

/// `cargo xtask lint`.
pub(crate) fn lint_command(repo: &Repo, _: &Args) -> Result {
    provide(repo, &["wasm-target"])?;
    lint_native()?;
    lint_wasm(repo)
}

/// `cargo xtask doc`.
pub(crate) fn doc_command(repo: &Repo, _: &Args) -> Result {
    provide(repo, &["wasm-target"])?;
    doc()
}

/// Fails when a file is not formatted.
pub(crate) fn fmt_check() -> Result {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

/// clippy on everything that runs natively, tests and benches too.
pub(crate) fn lint_native() -> Result {
    run(&mut cargo(&[
        "clippy",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// clippy on what ships as wasm, and on its wasm tests. The other tests are native: what they
/// depend on need not build for wasm.
pub(crate) fn lint_wasm(repo: &Repo) -> Result {
    let mut command = Command::new("cargo");
    command
        .args(["clippy", "--target", WASM])
        .args(wasm_packages())
        .args(["--lib", "--bins"]);
    command.args(repo.wasm_test_flags());
    run(command.args(["--", "-D", "warnings"]))
}

/// rustdoc on all crates, private items too: maintainers read those.
pub(crate) fn doc() -> Result {
    let rustdoc = ["doc", "--no-deps", "--document-private-items"];
    run(cargo(&rustdoc).env("RUSTDOCFLAGS", "-D warnings"))?;
    let mut wasm = cargo(&rustdoc);
    wasm.args(["--target", WASM])
        .args(wasm_packages())
        .env("RUSTDOCFLAGS", "-D warnings");
    run(&mut wasm)
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args);
    command
}
