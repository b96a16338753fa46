//! `cargo xtask npm`: the npm package, from the wasm to the tarball.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::repo::{Repo, WASM};
use crate::setup::{WASM_BINDGEN, locate, provide};
use crate::shell::run;

/// Where the package's TypeScript lies.
const SOURCE: &str = "crates/js/npm";

/// What npm's own tools are called by.
const TOOLS: &str = "tests/node_modules/.bin";

/// The modules that users import.
const ENTRIES: [&str; 5] = [
    "index",
    "openai/index",
    "openai/streaming",
    "openai/error",
    "openai/resources",
];

/// The platforms that get a build of their own, by the name of their runtime's module.
const PLATFORMS: [&str; 4] = ["web", "node", "deno", "workerd"];

/// What the set-up must provide.
pub(crate) const NEEDS: [&str; 3] = ["wasm-target", "npm", "wasm-bindgen"];

/// `cargo xtask npm`.
pub(crate) fn command(repo: &Repo, _: &Args) -> Result {
    provide(repo, &NEEDS)?;
    let tarball = build(repo)?;
    println!("packed {}", tarball.display());
    Ok(())
}

/// Builds the package and answers where its tarball lies.
pub(crate) fn build(repo: &Repo) -> Result<PathBuf> {
    let out = repo.target.join("npm");
    let package = out.join("kneepoint");
    let dist = package.join("dist");
    if package.exists() {
        fs::remove_dir_all(&package).map_err(|error| failed(&package, &error))?;
    }
    fs::create_dir_all(&dist).map_err(|error| failed(&dist, &error))?;
    wasm(repo, &out.join("core"), &dist.join("kneepoint.wasm"))?;
    for platform in PLATFORMS {
        bundle(&out.join("core"), platform, &dist.join(platform))?;
    }
    run(Command::new(tool("tsc"))
        .args(["-p", SOURCE, "--outDir"])
        .arg(&dist))?;
    for file in ["LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"] {
        copy(Path::new(file), &package.join(file))?;
    }
    for file in ["package.json", "README.md"] {
        copy(&Path::new(SOURCE).join(file), &package.join(file))?;
    }
    pack(&out, &package)
}

/// Puts the package, as it was built, where programs under `tests` import it from.
pub(crate) fn unpack(repo: &Repo) -> Result {
    let place = Path::new("tests/node_modules/kneepoint");
    if place.exists() {
        fs::remove_dir_all(place).map_err(|error| failed(place, &error))?;
    }
    fs::create_dir_all(place).map_err(|error| failed(place, &error))?;
    let version = env!("CARGO_PKG_VERSION");
    run(Command::new("tar")
        .arg("-xzf")
        .arg(repo.target.join(format!("npm/kneepoint-{version}.tgz")))
        .args(["--strip-components=1", "-C"])
        .arg(place))
}

/// The module and the JavaScript that wasm-bindgen puts around it.
fn wasm(repo: &Repo, glue: &Path, module: &Path) -> Result {
    run(Command::new("cargo")
        .args(["build", "--package", "kneepoint-js", "--target", WASM])
        .args(["--profile", "wasm"]))?;
    let built = repo.target.join(WASM).join("wasm/kneepoint_js.wasm");
    let bindgen = locate(repo, &WASM_BINDGEN, "wasm-bindgen")?
        .ok_or_else(|| Failure::work("wasm-bindgen is gone since the set-up".to_owned()))?;
    run(Command::new(bindgen)
        .args([
            "--target",
            "web",
            "--out-name",
            "core",
            "--omit-default-module-path",
        ])
        // A trap throws the module's instance away; this makes a fresh one.
        .arg("--experimental-reset-state-function")
        .arg("--out-dir")
        .args([glue, &built]))?;
    let manifest = glue.join("package.json");
    fs::write(&manifest, r#"{ "type": "module" }"#).map_err(|error| failed(&manifest, &error))?;
    run(Command::new(tool("wasm-opt"))
        .args(["-Oz", "--strip-producers", "-o"])
        .args([module, &glue.join("core_bg.wasm")]))
}

/// One platform's JavaScript.
fn bundle(glue: &Path, platform: &str, out: &Path) -> Result {
    let mut esbuild = Command::new(tool("esbuild"));
    for entry in ENTRIES {
        esbuild.arg(format!("{SOURCE}/src/{entry}.ts"));
    }
    esbuild
        .args(["--bundle", "--splitting", "--format=esm", "--target=es2022"])
        .args(["--log-level=warning", "--legal-comments=none"])
        .args([
            "--external:undici",
            "--external:node:*",
            "--external:*.wasm",
        ])
        .arg(format!("--alias:#core={}", glue.join("core.js").display()))
        .arg(format!(
            "--alias:#runtime=./{SOURCE}/src/runtime/{platform}.ts"
        ))
        .arg(format!("--outbase={SOURCE}/src"))
        .arg(format!("--outdir={}", out.display()));
    run(&mut esbuild)
}

fn pack(out: &Path, package: &Path) -> Result<PathBuf> {
    run(Command::new("npm")
        .args(["pack", "--silent", "--pack-destination"])
        .arg(out)
        .current_dir(package))?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(out.join(format!("kneepoint-{version}.tgz")))
}

fn tool(name: &str) -> PathBuf {
    Path::new(TOOLS).join(name)
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map_err(|error| failed(from, &error))?;
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::work(format!("{}: {error}", path.display()))
}
