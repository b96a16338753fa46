//! Versions that stand in several files agree, and the npm packages of the tests are exact.
//!
//! The root Cargo.toml has the last word: `[workspace.metadata.tools]` for the tools,
//! `rust-version` for the compiler.

use serde_json::Value as Json;
use toml::{Table, Value};

use super::{File, Problem};

/// A version and the place where it stands.
struct Pin {
    path: &'static str,
    key: &'static str,
    /// Nothing when the place has no version.
    found: Option<String>,
    /// What it should be.
    expected: String,
}

const MANIFEST: &str = "Cargo.toml";
const LOCK: &str = "Cargo.lock";
const TRUNK: &str = "Trunk.toml";
const TOOLCHAIN: &str = "rust-toolchain.toml";
const NPM: &str = "tests/package.json";

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    match pins(files) {
        Ok((pins, inexact)) => {
            let wrong = pins
                .into_iter()
                .filter(|pin| pin.found.as_ref() != Some(&pin.expected));
            let wrong = wrong.map(|pin| {
                let found = pin
                    .found
                    .map_or_else(|| "nothing".to_owned(), |found| format!("`{found}`"));
                let what = format!("{} is {found}, expected `{}`", pin.key, pin.expected);
                Problem::new(
                    pin.path,
                    format!("{what} (the root Cargo.toml has the last word)"),
                )
            });
            wrong.chain(inexact).collect()
        }
        Err(problem) => vec![problem],
    }
}

fn pins(files: &[File]) -> Result<(Vec<Pin>, Vec<Problem>), Problem> {
    let manifest = toml_file(files, MANIFEST)?;
    let lock = toml_file(files, LOCK)?;
    let trunk = toml_file(files, TRUNK)?;
    let toolchain = toml_file(files, TOOLCHAIN)?;
    let npm: Json = serde_json::from_str(text(files, NPM)?)
        .map_err(|error| Problem::new(NPM, format!("not JSON: {error}")))?;

    let tool = |name| required(&manifest, &["workspace", "metadata", "tools", name]);
    let bindgen = tool("wasm-bindgen")?;
    let binaryen = tool("binaryen")?;
    let binaryen_major = binaryen.split('.').next().unwrap_or_default();
    let rust = required(&manifest, &["workspace", "package", "rust-version"])?;
    let channel = at(&toolchain, &["toolchain", "channel"]);

    let npm_version = |name: &str| npm["devDependencies"][name].as_str().map(str::to_owned);
    let mut pins = vec![
        Pin {
            path: MANIFEST,
            key: "workspace.dependencies.wasm-bindgen",
            found: at(&manifest, &["workspace", "dependencies", "wasm-bindgen"]),
            expected: format!("={bindgen}"),
        },
        Pin {
            path: TRUNK,
            key: "tools.wasm_bindgen",
            found: at(&trunk, &["tools", "wasm_bindgen"]),
            expected: bindgen.clone(),
        },
        Pin {
            path: TRUNK,
            key: "tools.wasm_opt",
            found: at(&trunk, &["tools", "wasm_opt"]),
            expected: format!("version_{binaryen_major}"),
        },
        Pin {
            path: NPM,
            key: "devDependencies.binaryen",
            found: npm_version("binaryen"),
            expected: binaryen.clone(),
        },
        // 1.95 in the manifest goes with 1.95.0, 1.95.1, … of the toolchain.
        Pin {
            path: TOOLCHAIN,
            key: "toolchain.channel, without its last number,",
            found: channel.and_then(|channel| Some(channel.rsplit_once('.')?.0.to_owned())),
            expected: rust,
        },
    ];
    // Only once a crate uses it is it in the lock file.
    pins.extend(locked(&lock, "wasm-bindgen").map(|found| Pin {
        path: LOCK,
        key: "the version of wasm-bindgen",
        found: Some(found),
        expected: bindgen,
    }));
    Ok((pins, inexact(&npm)))
}

/// npm packages whose version is a range: the lock file would hide what changes when it is renewed.
fn inexact(npm: &Json) -> Vec<Problem> {
    let tables = ["dependencies", "devDependencies"].map(|kind| npm[kind].as_object());
    let packages = tables.into_iter().flatten().flatten();
    let ranges = packages.filter_map(|(name, version)| {
        let version = version.as_str().unwrap_or_default();
        let exact = version.starts_with(|c: char| c.is_ascii_digit())
            && version.split('.').count() >= 3
            && !version.contains([' ', 'x', '*', '|']);
        (!exact).then(|| {
            Problem::new(
                NPM,
                format!("`{name}` is `{version}`, expected one version"),
            )
        })
    });
    ranges.collect()
}

fn text<'a>(files: &'a [File], path: &str) -> Result<&'a str, Problem> {
    let file = files.iter().find(|file| file.path == path);
    file.map(|file| file.text.as_str())
        .ok_or_else(|| Problem::new(path, "the file is missing"))
}

fn toml_file(files: &[File], path: &str) -> Result<Table, Problem> {
    let text = text(files, path)?;
    text.parse()
        .map_err(|error| Problem::new(path, format!("not TOML: {error}")))
}

/// The text at a path of keys; a dependency may be a table with a `version`.
fn at(table: &Table, keys: &[&str]) -> Option<String> {
    let (first, rest) = keys.split_first()?;
    let value = rest
        .iter()
        .try_fold(table.get(*first)?, |value, key| value.get(key))?;
    let text = value.as_str().or_else(|| value.get("version")?.as_str());
    text.map(str::to_owned)
}

fn required(manifest: &Table, keys: &[&str]) -> Result<String, Problem> {
    let missing = || Problem::new(MANIFEST, format!("{} is missing", keys.join(".")));
    at(manifest, keys).ok_or_else(missing)
}

fn locked(lock: &Table, name: &str) -> Option<String> {
    let packages = lock.get("package")?.as_array()?;
    let package = packages
        .iter()
        .find(|package| package.get("name").and_then(Value::as_str) == Some(name))?;
    package.get("version")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::file;

    /// The five files with pins that agree, with one text replaced by another.
    fn problems(from: &str, to: &str) -> Vec<String> {
        let files = [
            (
                MANIFEST,
                "[workspace.package]\nrust-version = \"1.95\"\n[workspace.dependencies]\n\
                 wasm-bindgen = \"=0.2.130\"\n[workspace.metadata.tools]\n\
                 wasm-bindgen = \"0.2.130\"\nbinaryen = \"132.0.0\"\n",
            ),
            (
                LOCK,
                "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n",
            ),
            (
                TRUNK,
                "[tools]\nwasm_bindgen = \"0.2.130\"\nwasm_opt = \"version_132\"\n",
            ),
            (TOOLCHAIN, "[toolchain]\nchannel = \"1.95.0\"\n"),
            (NPM, "{\"devDependencies\": {\"binaryen\": \"132.0.0\"}}\n"),
        ];
        let files = files.map(|(path, text)| file(path, &text.replace(from, to)));
        check(&files)
            .into_iter()
            .map(|problem| format!("{}: {}", problem.place, problem.what))
            .collect()
    }

    #[test]
    fn pins_that_agree_are_fine() {
        assert_eq!(problems("", ""), [""; 0]);
        assert_eq!(
            problems("name = \"wasm-bindgen\"", "name = \"other\""),
            [""; 0]
        );
    }

    #[test]
    fn a_pin_that_differs_is_named_with_its_place() {
        #[rustfmt::skip]
        let cases = [
            ("\"=0.2.130\"", "\"0.2.130\"", "Cargo.toml: workspace.dependencies.wasm-bindgen is `0.2.130`"),
            ("wasm_bindgen = \"0.2.130\"", "wasm_bindgen = \"0.2.129\"", "Trunk.toml: tools.wasm_bindgen is `0.2.129`"),
            ("version_132", "version_108", "Trunk.toml: tools.wasm_opt is `version_108`"),
            ("version = \"0.2.130\"", "version = \"0.2.129\"", "Cargo.lock: the version of wasm-bindgen is `0.2.129`"),
            ("{\"binaryen\": \"132.0.0\"}", "{\"binaryen\": \"131.0.0\"}", "tests/package.json: devDependencies.binaryen is `131.0.0`"),
            ("{\"binaryen\": \"132.0.0\"}", "{}", "tests/package.json: devDependencies.binaryen is nothing"),
            ("1.95.0", "1.96.0", "rust-toolchain.toml: toolchain.channel, without its last number, is `1.96`"),
            ("[workspace.metadata.tools]", "[workspace.metadata.other]", "Cargo.toml: workspace.metadata.tools.wasm-bindgen is missing"),
            ("[toolchain]", "[toolchain", "rust-toolchain.toml: not TOML"),
        ];
        for (from, to, named) in cases {
            let found = problems(from, to);
            assert!(
                found.len() == 1 && found[0].starts_with(named),
                "{to}: {found:?}"
            );
        }
        assert_eq!(check(&[]), [Problem::new(MANIFEST, "the file is missing")]);
    }

    #[test]
    fn an_npm_package_has_one_version() {
        for version in ["^1.2.3", "~1.2.3", "1.x", "*", "latest", "1.2.3 || 2.0.0"] {
            let to = format!("\"binaryen\": \"132.0.0\", \"other\": \"{version}\"");
            let found = problems("\"binaryen\": \"132.0.0\"", &to);
            assert!(
                found.len() == 1 && found[0].contains("`other`"),
                "{version}: {found:?}"
            );
        }
    }
}
