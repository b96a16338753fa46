//! What files are called, and what may lie at the top level.
//!
//! Rust and Python modules are identifiers, so `snake_case`. Elsewhere names are lower-case words
//! joined by `-` (JavaScript's habit, what npm and browsers show) or by `_` (what wasm-bindgen
//! writes), never by both. Names that tools demand are listed.

use super::Problem;

/// All that lies at the top level; a folder ends with `/`.
const TOP_LEVEL: [&str; 20] = [
    ".cargo/",
    ".ci/",
    ".github/",
    ".gitignore",
    ".gitattributes",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "Trunk.toml",
    "clippy.toml",
    "crates/",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests/",
    "web/",
];

/// Names with capitals that others chose.
const GIVEN: [&str; 12] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "LICENSE",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "Trunk.toml",
];

pub(super) fn check(path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let top = path.split_inclusive('/').next().unwrap_or(path);
    if !TOP_LEVEL.contains(&top) {
        let what = format!("`{top}` is not among what may lie at the top level (CONTRIBUTING.md)");
        problems.push(Problem::new(path, what));
    }
    // What fixtures are called may be part of what they test.
    if path
        .split('/')
        .any(|part| part == "fixtures" || part == "corpus")
    {
        return problems;
    }
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folders = folders.split('/').filter(|folder| !folder.is_empty());
    if folders
        .clone()
        .any(|folder| !is_plain(folder.trim_start_matches('.')))
    {
        problems.push(Problem::new(
            path,
            "a folder's name is lower-case words joined by - or _",
        ));
    }
    if GIVEN.contains(&name) {
        return problems;
    }
    let stem = name
        .trim_start_matches('.')
        .split('.')
        .next()
        .unwrap_or_default();
    let is_module = [".rs", ".py"].iter().any(|ending| name.ends_with(ending));
    if is_module && (stem.contains('-') || !is_plain(stem)) {
        problems.push(Problem::new(path, "the name of a module is in snake_case"));
    } else if !name.trim_start_matches('.').split('.').all(is_plain) {
        problems.push(Problem::new(
            path,
            "a file's name is lower-case words joined by - or by _",
        ));
    }
    problems
}

/// Lower-case words joined by `-` or by `_`, not by both.
fn is_plain(name: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(known) && !(name.contains('-') && name.contains('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_by_what_they_name() {
        #[rustfmt::skip]
        let cases = [
            ("crates/core/src/retry_budget.rs", true),
            ("crates/js/npm/src/entry/edge-light.ts", true),
            ("crates/js/npm/tsconfig.test.json", true),
            ("tests/peers/stats/numpy_peer.py", true),
            (".github/workflows/ci.yml", true),
            ("crates/core/tests/fixtures/BOM then-data_2.txt", true),
            ("crates/core/src/retry-budget.rs", false),
            ("crates/core/src/Retry.rs", false),
            ("tests/peers/numpy-peer.py", false),
            ("tests/e2e/firstRun.ts", false),
            ("tests/e2e/first-run_page.ts", false),
            ("tests/E2E/first.ts", false),
            ("tests/a b.txt", false),
        ];
        for (path, fine) in cases {
            assert_eq!(check(path).is_empty(), fine, "{path}: {:?}", check(path));
        }
    }

    #[test]
    fn only_what_is_listed_lies_at_the_top_level() {
        #[rustfmt::skip]
        let cases = [
            ("README.md", true), ("crates/core/Cargo.toml", true), (".gitignore", true),
            ("notes.md", false), ("scripts/build.sh", false), ("web", false), (".env", false),
        ];
        for (path, fine) in cases {
            assert_eq!(check(path).is_empty(), fine, "{path}");
        }
    }
}
