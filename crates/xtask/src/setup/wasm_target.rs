//! Rust's standard library for wasm.

use std::path::Path;
use std::process::Command;

use super::announce;
use crate::failure::{Failure, Result};
use crate::repo::{Repo, WASM};
use crate::shell::{ask, find, run};

pub(super) fn ensure(_: &Repo) -> Result<String> {
    if !is_there() {
        announce(&format!("adding the Rust target {WASM}"), "wasm-target");
        if find("rustup").is_none() {
            return Err(Failure::work(format!(
                "this Rust has no {WASM} target, and rustup, which adds targets, was not found"
            )));
        }
        run(Command::new("rustup").args(["target", "add", WASM]))?;
        if !is_there() {
            return Err(Failure::work(format!(
                "rustup succeeded, yet rustc has no {WASM}"
            )));
        }
    }
    Ok(WASM.to_owned())
}

/// rustc prints where the library would be, whether it is there or not.
fn is_there() -> bool {
    ask("rustc", &["--print", "target-libdir", "--target", WASM])
        .is_some_and(|folder| Path::new(&folder).is_dir())
}
