//! The modules of wasm that users get know nothing of the machine that built them.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::ask;

/// Cargo adds what it says to what the workspace's own settings say for this target.
const FLAGS: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// Lets panics in other people's crates name their source from its registry on, and not from the root of
/// this machine on.
pub(crate) fn without_folders(command: &mut Command) -> &mut Command {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let registry = home.map(|home| home.join("registry").join("src"));
    let library = ask("rustc", &["--print", "sysroot"]);
    let library = library.map(|root| PathBuf::from(root).join("lib/rustlib/src/rust"));
    let flag = |folder: Option<PathBuf>, name: &str| {
        let folder = folder?.to_str()?.to_owned();
        // Spaces stand between flags: such a folder cannot be named.
        (!folder.contains(char::is_whitespace))
            .then(|| format!("--remap-path-prefix={folder}={name}"))
    };
    let flags: Vec<String> = [flag(registry, "registry"), flag(library, "rust")]
        .into_iter()
        .flatten()
        .collect();
    command.env(FLAGS, flags.join(" "))
}
