//! `cargo xtask npm`: the npm package, from the wasm to the tarball.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::repo::{Repo, WASM};
use crate::setup::node::{ESBUILD, TSC, WASM_OPT, npm, tool};
use crate::setup::{WASM_BINDGEN, locate, provide};
use crate::shell::run;
use crate::wasm::flagged;

/// Where the package's TypeScript lies.
const SOURCE: &str = "crates/js/npm";

/// The modules that users import, but for the benchmark's.
const ENTRIES: [&str; 6] = [
    "index",
    "cache/index",
    "openai/index",
    "openai/streaming",
    "openai/error",
    "openai/resources",
];

/// The benchmark has a module of wasm of its own, so that applications do not load it. Its files lie
/// in a folder that is laid out like `dist` itself: the same TypeScript finds either module.
const BENCH_ENTRIES: [&str; 2] = ["index=bench/index", "cli=cli/main"];

/// Where there is a command line to type at.
const TERMINALS: [&str; 2] = ["node", "deno"];

/// The platforms that get a build of their own, by the name of their runtime's module.
const PLATFORMS: [&str; 4] = ["web", "node", "deno", "workerd"];

/// How a module is made.
struct Make {
    /// The platform in whose folder it lies. Another one finds it there.
    platform: &'static str,
    profile: &'static str,
    /// The compiler's flags beside the workspace's.
    flags: &'static [&'static str],
    optimizer: &'static str,
    /// Whether it is a text in JavaScript.
    is_text: bool,
}

/// One for those who download it, and one for those who have it on a disk and at least Node 20's
/// instructions. The JavaScript around them is the same.
///
/// Pages compile the file while it comes. On servers it is a text in a JavaScript module of its own: bundles and
/// frameworks move code to where no file that lay beside it can be found, and each moves it differently.
const MAKES: [Make; 2] = [
    Make {
        platform: "web",
        profile: "wasm",
        flags: &[],
        optimizer: "-Oz",
        is_text: false,
    },
    Make {
        platform: "node",
        profile: "wasm-fast",
        flags: &["-Ctarget-feature=+simd128"],
        optimizer: "-O3",
        is_text: true,
    },
];

/// What the set-up must provide.
pub(crate) const NEEDS: [&str; 3] = ["wasm-target", "npm", "wasm-bindgen"];

/// `cargo xtask npm`.
pub(crate) fn command(repo: &Repo, _: &Args) -> Result {
    provide(repo, &NEEDS)?;
    let tarball = build(repo)?;
    println!("packed {}", tarball.display());
    Ok(())
}

/// Builds the package, once in a run of this program, and answers where its tarball lies.
pub(crate) fn build(repo: &Repo) -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(tarball) = BUILT.get() {
        return Ok(tarball.clone());
    }
    let tarball = build_anew(repo)?;
    Ok(BUILT.get_or_init(|| tarball).clone())
}

fn build_anew(repo: &Repo) -> Result<PathBuf> {
    let out = repo.npm();
    let package = out.join("kneepoint");
    let dist = package.join("dist");
    if package.exists() {
        fs::remove_dir_all(&package).map_err(|error| failed(&package, &error))?;
    }
    let bench = dist.join("bench");
    let core = modules(repo, "client", &dist)?;
    let engine = modules(repo, "bench", &bench)?;
    for platform in PLATFORMS {
        bundle(&core, &ENTRIES, platform, &package, "dist")?;
        let entries = if TERMINALS.contains(&platform) { 2 } else { 1 };
        bundle(
            &engine,
            &BENCH_ENTRIES[..entries],
            platform,
            &package,
            "dist/bench",
        )?;
    }
    run(tool(TSC).args(["-p", SOURCE, "--outDir"]).arg(&dist))?;
    copy(
        &Path::new(SOURCE).join("wasm.d.ts"),
        &dist.join("wasm.d.ts"),
    )?;
    for file in ["LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"] {
        copy(Path::new(file), &package.join(file))?;
    }
    copy(
        &Path::new(SOURCE).join("src/cli/cli.js"),
        &dist.join("cli.js"),
    )?;
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
        .arg(repo.npm().join(format!("kneepoint-{version}.tgz")))
        .args(["--strip-components=1", "-C"])
        .arg(place))
}

/// The modules with this feature, in the folders below `dist`. Answers where the JavaScript lies that
/// wasm-bindgen puts around either of them.
fn modules(repo: &Repo, feature: &str, dist: &Path) -> Result<PathBuf> {
    let mut glue: Option<(PathBuf, String)> = None;
    for make in MAKES {
        let place = dist.join(make.platform);
        fs::create_dir_all(&place).map_err(|error| failed(&place, &error))?;
        let around = repo.npm().join(feature).join(make.platform);
        let home = if make.is_text { &around } else { &place };
        let wasm = home.join("kneepoint.wasm");
        let script = module(repo, feature, &make, &around, &wasm)?;
        if make.is_text {
            text(&wasm, &place.join("kneepoint.wasm.js"))?;
        }
        if glue.as_ref().is_some_and(|(_, other)| *other != script) {
            return Err(Failure::work(format!(
                "{} is not what the other module needs: neither may have closures, whose names differ",
                around.join("core.js").display()
            )));
        }
        glue = Some((around, script));
    }
    Ok(glue.expect("there are makes").0)
}

/// One module, and the JavaScript around it.
fn module(repo: &Repo, feature: &str, make: &Make, glue: &Path, module: &Path) -> Result<String> {
    run(flagged(&mut Command::new("cargo"), make.flags)?
        .args(["build", "--package", "kneepoint-js", "--target", WASM])
        .args(["--no-default-features", "--features", feature])
        .args(["--profile", make.profile]))?;
    let folder = repo.target.join(WASM).join(make.profile);
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
        .args([glue, &folder.join("kneepoint_js.wasm")]))?;
    let manifest = glue.join("package.json");
    fs::write(&manifest, r#"{ "type": "module" }"#).map_err(|error| failed(&manifest, &error))?;
    run(tool(WASM_OPT)
        .args([make.optimizer, "--strip-producers", "-o"])
        .args([module, &glue.join("core_bg.wasm")]))?;
    let script = glue.join("core.js");
    fs::read_to_string(&script).map_err(|error| failed(&script, &error))
}

/// A module as JavaScript that exports its bytes in Base64.
fn text(wasm: &Path, script: &Path) -> Result {
    run(tool(ESBUILD)
        .arg(wasm)
        .args(["--bundle", "--format=esm", "--loader:.wasm=base64"])
        .args(["--log-level=warning"])
        .arg(format!("--outfile={}", script.display())))
}

/// One platform's JavaScript, in a folder of the package. An entry is a source, or `name=source` where its
/// name is another.
fn bundle(glue: &Path, entries: &[&str], platform: &str, package: &Path, folder: &str) -> Result {
    let place = format!("{folder}/{platform}");
    let transport = if platform == "node" {
        "undici"
    } else {
        "fetch"
    };
    let mut esbuild = tool(ESBUILD);
    for entry in entries {
        let (name, source) = entry.split_once('=').unwrap_or((entry, entry));
        esbuild.arg(format!("{name}={SOURCE}/src/{source}.ts"));
    }
    esbuild
        .args(["--bundle", "--splitting", "--format=esm", "--target=es2022"])
        .args(["--log-level=warning", "--legal-comments=none"])
        .args([
            "--external:undici",
            "--external:node:*",
            "--external:cloudflare:*",
            "--external:*.wasm",
            "--external:*.wasm.js",
        ])
        .arg(format!("--alias:#core={}", glue.join("core.js").display()))
        .arg(format!("--alias:#bench={}", glue.join("core.js").display()))
        .arg(format!(
            "--alias:#runtime=./{SOURCE}/src/runtime/{platform}.ts"
        ))
        .arg(format!(
            "--alias:#transport=./{SOURCE}/src/transport/{transport}.ts"
        ))
        .arg(format!("--define:PLACE={place:?}"))
        .arg(format!("--outdir={}", package.join(&place).display()));
    run(&mut esbuild)
}

fn pack(out: &Path, package: &Path) -> Result<PathBuf> {
    run(npm()
        .args(["pack", "--silent", "--pack-destination"])
        .arg(out)
        .current_dir(package))?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(out.join(format!("kneepoint-{version}.tgz")))
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to).map_err(|error| failed(from, &error))?;
    Ok(())
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::work(format!("{}: {error}", path.display()))
}
