//! The repository as the commands see it: where it lies, what its packages are, which versions of
//! the tools it pins.

use std::ffi::OsString;
use std::iter;
use std::path::PathBuf;

use cargo_metadata::{Metadata, MetadataCommand, TargetKind};

use crate::failure::{Failure, Result};

/// The target that everything shipped to users is built for.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Names of the integration tests that run as wasm: `tests/wasm.rs` and `tests/web.rs`.
const WASM_TESTS: [&str; 2] = ["wasm", "web"];

/// An open repository.
#[derive(Debug)]
pub(crate) struct Repo {
    /// The top-level folder. It is also the current folder of this process.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, where everything built or installed goes.
    pub(crate) target: PathBuf,
    /// What Cargo says of the workspace, without the dependencies of others.
    pub(crate) metadata: Metadata,
}

/// A package with tests that run as wasm.
#[derive(Debug, PartialEq)]
pub(crate) struct WasmTests {
    /// The package's name.
    pub(crate) package: String,
    /// The names of its test targets, each one of [`WASM_TESTS`].
    pub(crate) targets: Vec<String>,
}

impl Repo {
    /// Finds the repository around the current folder and makes its root the current folder, so
    /// that the commands shown can be repeated from there.
    pub(crate) fn open() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec();
        let metadata =
            metadata.map_err(|error| Failure::work(format!("cargo metadata: {error}")))?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        std::env::set_current_dir(&root)
            .map_err(|error| Failure::work(format!("{}: {error}", root.display())))?;
        let target = metadata.target_directory.clone().into_std_path_buf();
        Ok(Self {
            root,
            target,
            metadata,
        })
    }

    /// The version of a tool, from `[workspace.metadata.tools]`.
    pub(crate) fn pin(&self, tool: &str) -> Result<&str> {
        let version = self.metadata.workspace_metadata["tools"][tool].as_str();
        version.ok_or_else(|| {
            let place = "[workspace.metadata.tools] of Cargo.toml";
            Failure::work(format!("{place} has no version for `{tool}`"))
        })
    }

    /// Where the tools built here lie. Kept out of `~/.cargo/bin`: they belong to this repository.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Where the npm package is built: always there, also when `CARGO_TARGET_DIR` puts Cargo's own
    /// output elsewhere, since tests and `tsconfig.json` name the place.
    pub(crate) fn npm(&self) -> PathBuf {
        self.root.join("target/npm")
    }

    /// The PATH with the tools built here in front.
    pub(crate) fn path(&self) -> Result<OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = iter::once(self.tools().join("bin")).chain(std::env::split_paths(&path));
        std::env::join_paths(folders)
            .map_err(|error| Failure::work(format!("{}: {error}", self.tools().display())))
    }

    /// The packages that have tests for wasm.
    pub(crate) fn wasm_tests(&self) -> Vec<WasmTests> {
        wasm_tests(&self.metadata)
    }

    /// `--test NAME` for each name that a wasm test has in this workspace.
    pub(crate) fn wasm_test_flags(&self) -> Vec<&'static str> {
        let tests = self.wasm_tests();
        let is_used = |name: &str| {
            tests
                .iter()
                .any(|t| t.targets.iter().any(|used| used == name))
        };
        WASM_TESTS
            .into_iter()
            .filter(|name| is_used(name))
            .flat_map(|name| ["--test", name])
            .collect()
    }
}

fn wasm_tests(metadata: &Metadata) -> Vec<WasmTests> {
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        let tests = package
            .targets
            .iter()
            .filter(|target| target.kind.contains(&TargetKind::Test));
        let tests = tests.filter(|target| WASM_TESTS.contains(&target.name.as_str()));
        let targets: Vec<String> = tests.map(|target| target.name.clone()).collect();
        if !targets.is_empty() {
            found.push(WasmTests {
                package: package.name.to_string(),
                targets,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample;

    #[test]
    fn wasm_tests_are_found_by_the_name_of_their_file() {
        let metadata = sample::workspace(&[
            sample::package("kneepoint-core", &[], &["scenarios", "web"]),
            sample::package("kneepoint-stats", &[], &["known_answers", "wasm"]),
            sample::package("kneepoint-server", &[], &["http"]),
        ]);
        let expected =
            [("kneepoint-core", "web"), ("kneepoint-stats", "wasm")].map(|(p, t)| WasmTests {
                package: p.to_owned(),
                targets: vec![t.to_owned()],
            });
        assert_eq!(wasm_tests(&metadata), expected);
    }
}
