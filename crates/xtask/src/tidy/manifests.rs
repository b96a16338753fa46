//! What the manifest of each crate leaves to the workspace: edition, lints, and every version.

use cargo_metadata::camino::Utf8Path;
use toml::{Table, Value};

use super::{File, Problem};
use crate::repo::Repo;

/// What `[package]` takes over from `[workspace.package]`.
const INHERITED: [&str; 6] = [
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
    "publish",
];

/// Checks the manifests of all crates of the workspace.
pub(super) fn check_all(repo: &Repo, files: &[File]) -> Vec<Problem> {
    let packages = repo.metadata.workspace_packages();
    let paths = packages
        .iter()
        .filter_map(|package| package.manifest_path.strip_prefix(&repo.root).ok());
    // As paths, not as texts: Cargo writes them with `\` on Windows.
    let paths: Vec<&Utf8Path> = paths.collect();
    let manifests = files
        .iter()
        .filter(|file| paths.contains(&Utf8Path::new(&file.path)));
    manifests.flat_map(check).collect()
}

fn check(file: &File) -> Vec<Problem> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Problem::new(&file.path, format!("not TOML: {error}"))],
    };
    let inherits = |value: Option<&Value>| {
        value
            .and_then(|value| value.get("workspace"))
            .and_then(Value::as_bool)
            == Some(true)
    };
    let package = manifest.get("package");
    let own = INHERITED
        .iter()
        .filter(|key| !inherits(package.and_then(|table| table.get(key))));
    let own = own.map(|key| format!("`package.{key}` must be `{key}.workspace = true`"));
    let lints = (!inherits(manifest.get("lints")))
        .then(|| "`[lints]` must be `workspace = true`".to_owned());
    let versions = dependencies(&manifest)
        .into_iter()
        .filter(|(_, value)| !inherits(Some(value)));
    let versions = versions.map(|(name, _)| {
        format!("`{name}` must be `workspace = true`: versions stand in the root Cargo.toml only")
    });
    own.chain(lints)
        .chain(versions)
        .map(|what| Problem::new(&file.path, what))
        .collect()
}

/// All dependencies, of every kind and every target.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(targets);
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = tables.flat_map(|table| kinds.map(|kind| table.get(kind)));
    tables
        .flatten()
        .filter_map(Value::as_table)
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::file;

    const FINE: &str = r#"
[package]
name = "a"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
repository.workspace = true
publish.workspace = true
[dependencies]
serde.workspace = true
libm = { workspace = true, features = ["x"] }
[lints]
workspace = true
"#;

    fn problems(text: &str) -> Vec<String> {
        check(&file("crates/a/Cargo.toml", text))
            .into_iter()
            .map(|p| p.what)
            .collect()
    }

    #[test]
    fn a_crate_inherits_what_it_can() {
        assert_eq!(problems(FINE), [""; 0]);
    }

    #[test]
    fn what_is_not_inherited_is_named() {
        #[rustfmt::skip]
        let cases = [
            ("edition.workspace = true", "edition = \"2021\"", "`package.edition`"),
            ("license.workspace = true\n", "", "`package.license`"),
            ("[lints]\nworkspace = true", "", "`[lints]`"),
            ("serde.workspace = true", "serde = \"1\"", "`serde`"),
            ("serde.workspace = true", "serde = { version = \"1\" }", "`serde`"),
            ("[dependencies]", "[dev-dependencies.fast]\npath = \"../f\"\n[dependencies]", "`fast`"),
            ("[lints]", "[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[lints]", "`libc`"),
            ("[dependencies]", "[dependencies", "not TOML"),
        ];
        for (from, to, named) in cases {
            let found = problems(&FINE.replace(from, to));
            assert!(
                found.len() == 1 && found[0].starts_with(named),
                "{to}: {found:?}"
            );
        }
    }
}
