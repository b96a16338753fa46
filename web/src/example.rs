//! The result that is shown before anything was measured: a real one, of the simulated endpoint.

use kneepoint_bench::report::Report;

/// A ladder on the simulated 32-slot scheduler, shortened as for a link.
#[allow(clippy::missing_panics_doc, reason = "a test reads it")]
pub fn example() -> Report {
    Report::from_json(include_str!("example.json")).expect("it was written by this program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_report_with_a_knee() {
        let knee = example().answer.and_then(|answer| answer.knee);
        assert!((24..=40).contains(&knee.expect("a knee").value));
    }
}
