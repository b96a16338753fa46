//! Embeds the page into release builds: every file under `dist/` at the top of the workspace.
//!
//! Without `dist/`, or in a debug build, nothing is embedded, and the server says so.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let dist = root.join("../../dist");
    let mut list = String::from("&[\n");
    if env::var("PROFILE").as_deref() == Ok("release") {
        // A directory that is missing counts as changed, so a page built later is picked up.
        println!("cargo:rerun-if-changed={}", dist.display());
        if dist.join("index.html").is_file() {
            add(&dist.canonicalize()?, "", &mut list)?;
        }
    }
    list.push(']');
    fs::write(out.join("page.rs"), list)
}

fn add(directory: &Path, prefix: &str, list: &mut String) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(directory)?.collect::<io::Result<_>>()?;
    // The order of a directory is arbitrary; two builds must give the same binary.
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            add(&entry.path(), &format!("{name}/"), list)?;
        } else {
            let path = entry.path();
            let path = path
                .to_str()
                .ok_or_else(|| io::Error::other("a path is not UTF-8"))?;
            writeln!(list, "({name:?}, include_bytes!({path:?})),")
                .expect("writing to a string does not fail");
        }
    }
    Ok(())
}
