//! The lines with which test runners close: what they count. Rust's (native and wasm) write one,
//! Node's one for each count, Python's `unittest` says how many it ran.

/// Whether a line of a runner's output says that tests begin.
pub(super) fn is_beginning(line: &str) -> bool {
    line.starts_with("running ")
}

/// Whether a summary tells of tests that failed.
pub(super) fn is_failure(summary: &str) -> bool {
    summary.starts_with("test result: FAILED")
}

/// Whether a line of a runner's output is its summary, or a part of it.
pub(super) fn is_summary(line: &str) -> bool {
    line.starts_with("test result: ") || node_count(line).is_some() || python_count(line).is_some()
}

/// How many tests the summary lines say were executed, passed or not.
pub(super) fn executed(summaries: &[String]) -> usize {
    summaries
        .iter()
        .map(|line| {
            let others = node_count(line).or_else(|| python_count(line));
            others.unwrap_or_else(|| count(line, "passed") + count(line, "failed"))
        })
        .sum()
}

/// Whether the target of this summary had no test at all, as libraries without examples have.
pub(super) fn is_empty(line: &str) -> bool {
    line.starts_with("test result: ")
        && ["passed", "failed", "ignored", "filtered out"]
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

/// The number in Node's `ℹ pass 3` or `ℹ fail 0`.
fn node_count(line: &str) -> Option<usize> {
    let counts = line.strip_prefix("ℹ ")?;
    counts
        .strip_prefix("pass ")
        .or_else(|| counts.strip_prefix("fail "))?
        .trim()
        .parse()
        .ok()
}

/// The number in Python's `Ran 3 tests in 0.120s`.
fn python_count(line: &str) -> Option<usize> {
    let (count, rest) = line.strip_prefix("Ran ")?.split_once(' ')?;
    rest.starts_with("test").then(|| count.parse().ok())?
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
        let others = ["ℹ pass 17", "ℹ fail 1", "Ran 5 tests in 0.120s"].map(str::to_owned);
        assert!(
            others
                .iter()
                .all(|line| is_summary(line) && !is_empty(line))
        );
        assert_eq!(executed(&others), 23);
        assert!(!is_summary("ℹ duration_ms 4.2") && !is_summary("Ran out of luck"));
        assert!(!is_summary("test parses_a_line ... ok"));
        assert!(is_beginning("running 1 test") && !is_beginning("Running headless tests"));
    }
}
