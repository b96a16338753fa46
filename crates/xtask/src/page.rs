//! The benchmark page, built by Trunk into `dist/`.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::repo::Repo;
use crate::setup::node::{ESBUILD, LINKS, tool};
use crate::setup::{TRUNK, locate, provide};
use crate::shell::{run, short};
use crate::wasm::flagged;

/// What the set-up must provide.
pub(crate) const NEEDS: [&str; 5] = ["wasm-target", "node", "npm", "wasm-bindgen", "trunk"];

/// Everything that the page is made of.
const SOURCES: [&str; 11] = [
    ".cargo/config.toml",
    "web",
    "crates/bench",
    "crates/core/Cargo.toml",
    "crates/core/src",
    "crates/stats/Cargo.toml",
    "crates/stats/src",
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "rust-toolchain.toml",
];

/// The module's JavaScript.
const GLUE: &str = "kneepoint-web.js";

/// Where the JavaScript of our own lies that it loads.
const MODULES: &str = "snippets";

/// Where Trunk puts the page.
const DIST: &str = "dist";

/// `cargo xtask page`.
pub(crate) fn command(repo: &Repo, _: &Args) -> Result {
    provide(repo, &NEEDS)?;
    build(repo).map(drop)
}

/// Builds the page, unless it was built from the same sources before, and answers where it lies.
pub(crate) fn build(repo: &Repo) -> Result<PathBuf> {
    let dist = repo.root.join(DIST);
    let stamp = repo.target.join("page.stamp");
    let sources = digest()?;
    if dist.join("index.html").exists() && fs::read_to_string(&stamp).is_ok_and(|s| s == sources) {
        println!("the page in {DIST}/ is up to date");
        return Ok(dist);
    }
    let trunk = locate(repo, &TRUNK, "trunk")?
        .ok_or_else(|| Failure::work("trunk is gone since the set-up"))?;
    let path = repo.path()?;
    // Trunk calls wasm-opt.
    let folders = std::iter::once(repo.root.join(LINKS)).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders)
        .map_err(|error| Failure::work(format!("{LINKS}: {error}")))?;
    run(flagged(&mut Command::new(trunk), &[])?
        .args(["build", "--release"])
        .env("PATH", path)
        // Trunk takes what others say with it for a flag of its own.
        .env_remove("NO_COLOR"))?;
    tidy(&dist.join("index.html"))?;
    shorten(&dist)?;
    fs::write(&stamp, sources).map_err(|error| failed(&stamp, &error))?;
    Ok(dist)
}

/// Makes one short file of what wasm-bindgen wrote and the modules that came with it.
fn shorten(dist: &Path) -> Result {
    let glue = dist.join(GLUE);
    run(tool(ESBUILD)
        .arg(&glue)
        .arg(format!("--outfile={}", glue.display()))
        .args(["--bundle", "--minify", "--format=esm", "--target=es2022"])
        .args(["--allow-overwrite", "--log-level=warning"]))?;
    let modules = dist.join(MODULES);
    fs::remove_dir_all(&modules).map_err(|error| failed(&modules, &error))
}

/// Takes out what Trunk leaves of its own instructions.
fn tidy(index: &Path) -> Result {
    let page = fs::read_to_string(index).map_err(|error| failed(index, &error))?;
    fs::write(index, without_instructions(&page)).map_err(|error| failed(index, &error))
}

fn without_instructions(page: &str) -> String {
    let is_kept = |line: &&str| !line.trim().is_empty() && !line.contains("data-trunk");
    let kept = page.lines().filter(is_kept);
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// Digits that change with any source. Contents rather than times, which a checkout sets as it likes.
fn digest() -> Result<String> {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        add(Path::new(source), &mut hasher)?;
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> Result {
    let error = |error| failed(path, &error);
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(error)?;
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(error)?.path());
        }
        paths.sort();
        return paths.iter().try_for_each(|path| add(path, hasher));
    }
    path.hash(hasher);
    fs::read(path).map_err(error)?.hash(hasher);
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::work(format!("{}: {error}", short(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::PARTS;

    #[test]
    fn all_that_the_page_imports_is_among_its_sources() {
        let page = PARTS.iter().find(|part| part.name == "kneepoint-web");
        for name in page.expect("it is a part").may_import {
            let folder = name.replace("kneepoint-", "crates/");
            for file in ["Cargo.toml", "src/lib.rs"] {
                let path = Path::new(&folder).join(file);
                let is_known = SOURCES.iter().any(|source| path.starts_with(source));
                assert!(is_known, "{}", path.display());
            }
        }
    }

    #[test]
    fn nothing_is_left_of_instructions() {
        let page = "<head>\n  <link data-trunk rel=\"rust\">\n    \n  <link rel=\"icon\">\n</head>";
        assert_eq!(
            without_instructions(page),
            "<head>\n  <link rel=\"icon\">\n</head>\n"
        );
    }
}
