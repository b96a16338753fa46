//! The line with which a Rust test runner, native or wasm, closes: what it counts.

/// Whether a line of a runner's output says that tests begin.
pub(super) fn is_beginning(line: &str) -> bool {
    line.starts_with("running ")
}

/// Whether a summary tells of tests that failed.
pub(super) fn is_failure(summary: &str) -> bool {
    summary.starts_with("test result: FAILED")
}

/// Whether a line of a runner's output is its summary.
pub(super) fn is_summary(line: &str) -> bool {
    line.starts_with("test result: ")
}

/// How many tests the summary lines say were executed, passed or not.
pub(super) fn executed(summaries: &[String]) -> usize {
    summaries
        .iter()
        .map(|line| count(line, "passed") + count(line, "failed"))
        .sum()
}

/// Whether the target of this summary had no test at all, as libraries without examples have.
pub(super) fn is_empty(line: &str) -> bool {
    ["passed", "failed", "ignored", "filtered out"]
        .iter()
        .all(|what| count(line, what) == 0)
}

/// The number before `what` in `test result: ok. 3 passed; 0 failed; …`.
fn count(line: &str, what: &str) -> usize {
    let counts = line.split(['.', ';']).map(str::trim);
    counts
        .filter_map(|part| part.strip_suffix(what)?.trim().parse::<usize>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_lines_that_runners_write() {
        #[rustfmt::skip]
        let cases = [
            // line, executed, empty
            ("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s", 12, false),
            ("test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 filtered out; finished in 1.50s", 3, false),
            ("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s", 0, true),
            ("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s", 0, false),
        ];
        for (line, tests, empty) in cases {
            assert!(is_summary(line));
            assert_eq!(executed(&[line.to_owned()]), tests, "{line}");
            assert_eq!(is_empty(line), empty, "{line}");
        }
        assert!(is_failure(cases[1].0) && !is_failure(cases[0].0));
        assert!(!is_summary("test parses_a_line ... ok"));
        assert!(is_beginning("running 1 test") && !is_beginning("Running headless tests"));
    }
}
