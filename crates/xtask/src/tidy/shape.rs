//! How a source file begins, and how long it may be.

use super::{File, Problem};

/// Longer than this, a file has more than one subject.
const LINES_MAX: usize = 500;

/// Every Rust file says first what it is.
pub(super) fn header(file: &File) -> Vec<Problem> {
    if file.extension() != "rs" || file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![Problem::at(
        &file.path,
        0,
        "a Rust file opens with `//!` lines that say what it is",
    )]
}

/// Source files stay short; tests, which are lists of cases, may be long.
pub(super) fn length(file: &File) -> Vec<Problem> {
    let is_source = ["rs", "ts", "js", "mjs", "css", "py"].contains(&file.extension());
    let is_test = file.path.split('/').any(|part| part == "tests");
    let lines = file.text.lines().count();
    if !is_source || is_test || lines <= LINES_MAX {
        return Vec::new();
    }
    let what = format!("{lines} lines, at most {LINES_MAX}: give each subject a file of its own");
    vec![Problem::new(&file.path, what)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::file;

    #[test]
    fn a_rust_file_says_first_what_it_is() {
        assert_eq!(header(&file("crates/a/src/lib.rs", "//! Numbers.\n")), []);
        assert_eq!(header(&file("web/style.css", "body {}\n")), []);
        for text in ["fn f() {}\n", "", "\n//! Late.\n", "// Plain.\n"] {
            let problems = header(&file("crates/a/src/lib.rs", text));
            assert_eq!(problems.len(), 1, "{text:?}");
            assert_eq!(problems[0].place, "crates/a/src/lib.rs:1");
        }
    }

    #[test]
    fn a_long_source_file_is_told_its_length() {
        let (fits, long) = ("x\n".repeat(LINES_MAX), "x\n".repeat(LINES_MAX + 1));
        assert_eq!(length(&file("web/src/app.rs", &fits)), []);
        assert_eq!(length(&file("crates/a/tests/cases.rs", &long)), []);
        assert_eq!(length(&file("README.md", &long)), []);
        assert!(
            length(&file("web/src/app.rs", &long))[0]
                .what
                .starts_with("501 lines")
        );
    }
}
