//! How the modules of wasm that users get are compiled: by the workspace's settings, and so that they
//! know nothing of the machine that built them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::repo::WASM;
use crate::shell::ask;

/// Unlike Cargo's other variables it takes flags with spaces in them, as folders have. What it says
/// replaces what Cargo's settings say, so that they are read here.
const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";

/// What stands between its flags.
const SEPARATOR: &str = "\u{1f}";

const SETTINGS: &str = ".cargo/config.toml";

/// Has a command, which is Cargo or calls it, compile with the workspace's flags and these. Panics in
/// other people's crates then name their source from its registry on, and not from the root of this
/// machine on.
pub(crate) fn flagged<'a>(command: &'a mut Command, more: &[&str]) -> Result<&'a mut Command> {
    let settings = fs::read_to_string(SETTINGS)
        .map_err(|error| Failure::work(format!("{SETTINGS}: {error}")))?;
    let mut flags =
        flags_in(&settings).map_err(|why| Failure::work(format!("{SETTINGS}: {why}")))?;
    flags.extend(more.iter().map(|&flag| flag.to_owned()));
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registry = home.map(|home| home.join("registry").join("src"));
    let library = ask("rustc", &["--print", "sysroot"]);
    let library = library.map(|root| PathBuf::from(root).join("lib/rustlib/src/rust"));
    for (folder, name) in [(registry, "registry"), (library, "rust")] {
        let folder = folder.as_ref().and_then(|folder| folder.to_str());
        flags.extend(folder.map(|folder| format!("--remap-path-prefix={folder}={name}")));
    }
    Ok(command.env(FLAGS, flags.join(SEPARATOR)))
}

/// The compiler's flags for wasm in Cargo's settings.
fn flags_in(settings: &str) -> std::result::Result<Vec<String>, String> {
    let settings: toml::Table = settings.parse().map_err(|error| format!("{error}"))?;
    let target = settings.get("target").and_then(|all| all.get(WASM));
    let Some(flags) = target.and_then(|target| target.get("rustflags")) else {
        return Ok(Vec::new());
    };
    let flags = flags.as_array().and_then(|flags| {
        let texts = flags.iter().map(|flag| flag.as_str().map(str::to_owned));
        texts.collect()
    });
    flags.ok_or_else(|| format!("the rustflags of {WASM} are no list of texts"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspaces_flags_are_read_as_they_stand() {
        let settings = |flags| format!("[target.wasm32-unknown-unknown]\nrustflags = {flags}\n");
        let two = settings(r#"["--cfg", "a b=\"c\""]"#);
        assert_eq!(
            flags_in(&two),
            Ok(vec!["--cfg".to_owned(), "a b=\"c\"".to_owned()])
        );
        assert_eq!(flags_in("[alias]\n"), Ok(Vec::new()));
        for wrong in [settings(r#""--cfg a""#), settings("[1]"), "=".to_owned()] {
            assert!(flags_in(&wrong).is_err(), "{wrong}");
        }
    }
}
