//! Files and workspaces for tests, as Git and Cargo would give them.

use cargo_metadata::{Metadata, MetadataCommand};
use serde_json::{Value, json};

use super::File;

/// A file with this text.
pub(crate) fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// A package of a workspace that exists only in a test.
#[derive(Debug)]
pub(crate) struct Package {
    name: &'static str,
    dependencies: &'static [&'static str],
    tests: &'static [&'static str],
    is_default: bool,
}

impl Package {
    /// Leaves the package out of `default-members`.
    pub(crate) fn not_default(mut self) -> Self {
        self.is_default = false;
        self
    }

    fn id(&self) -> String {
        format!("path+file:///repo/crates/{0}#{0}@0.1.0", self.name)
    }

    fn json(&self) -> Value {
        let dependencies = self.dependencies.iter().map(|name| {
            json!({
                "name": name, "source": null, "req": "*", "kind": null, "rename": null,
                "optional": false, "uses_default_features": true, "features": [],
                "target": null, "registry": null,
            })
        });
        let targets = self.tests.iter().map(|name| {
            json!({
                "kind": ["test"], "crate_types": ["bin"], "name": name, "edition": "2024",
                "src_path": format!("/repo/crates/{}/tests/{name}.rs", self.name),
                "doc": false, "doctest": false, "test": true,
            })
        });
        json!({
            "name": self.name, "version": "0.1.0", "id": self.id(), "edition": "2024",
            "dependencies": dependencies.collect::<Vec<_>>(),
            "targets": targets.collect::<Vec<_>>(), "features": {},
            "manifest_path": format!("/repo/crates/{}/Cargo.toml", self.name),
        })
    }
}

/// A package with dependencies and integration tests of these names.
pub(crate) fn package(
    name: &'static str,
    dependencies: &'static [&'static str],
    tests: &'static [&'static str],
) -> Package {
    Package {
        name,
        dependencies,
        tests,
        is_default: true,
    }
}

/// What `cargo metadata --no-deps` would say of a workspace with these packages.
pub(crate) fn workspace(packages: &[Package]) -> Metadata {
    let ids: Vec<String> = packages.iter().map(Package::id).collect();
    let default = packages
        .iter()
        .filter(|package| package.is_default)
        .map(Package::id);
    let metadata = json!({
        "packages": packages.iter().map(Package::json).collect::<Vec<_>>(),
        "workspace_members": ids, "workspace_default_members": default.collect::<Vec<_>>(),
        "resolve": null, "target_directory": "/repo/target", "version": 1,
        "workspace_root": "/repo", "metadata": null,
    });
    MetadataCommand::parse(metadata.to_string()).expect("written as cargo writes it")
}
