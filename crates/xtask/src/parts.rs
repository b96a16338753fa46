//! The crates of this repository: who may import whom, and where each one runs.
//!
//! ARCHITECTURE.md draws the same picture and gives the reasons; `cargo xtask tidy` holds the
//! manifests to this table.

/// One crate.
#[derive(Debug)]
pub(crate) struct Part {
    /// The package's name.
    pub(crate) name: &'static str,
    /// Those of our crates that it may import, in its tests too.
    pub(crate) may_import: &'static [&'static str],
    /// Whether it runs natively; `default-members` lists exactly these.
    pub(crate) native: bool,
    /// Whether it ships as wasm.
    pub(crate) wasm: bool,
}

/// All crates.
pub(crate) const PARTS: [Part; 7] = [
    Part {
        name: "kneepoint-stats",
        may_import: &[],
        native: true,
        wasm: true,
    },
    Part {
        name: "kneepoint-core",
        may_import: &[],
        native: true,
        wasm: true,
    },
    Part {
        name: "kneepoint-bench",
        may_import: &["kneepoint-core", "kneepoint-stats"],
        native: true,
        wasm: true,
    },
    Part {
        name: "kneepoint-js",
        may_import: &["kneepoint-core", "kneepoint-bench"],
        native: false,
        wasm: true,
    },
    Part {
        name: "kneepoint-server",
        may_import: &[],
        native: true,
        wasm: false,
    },
    Part {
        name: "kneepoint-web",
        may_import: &["kneepoint-core", "kneepoint-bench", "kneepoint-stats"],
        native: true,
        wasm: true,
    },
    Part {
        name: "xtask",
        may_import: &[],
        native: true,
        wasm: false,
    },
];

/// The crates that ship as wasm, as `-p NAME` arguments.
pub(crate) fn wasm_packages() -> Vec<&'static str> {
    PARTS
        .iter()
        .filter(|part| part.wasm)
        .flat_map(|part| ["-p", part.name])
        .collect()
}
