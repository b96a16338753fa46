//! Earlier runs, as this browser keeps them. Pure: a text in, runs out, and back; what was damaged is
//! left out and nothing breaks.

use kneepoint_bench::json::{self, Read};
use kneepoint_bench::report::Report;
use kneepoint_bench::{fields, number};
use serde_json::Value;

use crate::share::{Host, short};

/// Runs that are kept; the oldest goes first.
pub const RUNS_MAX: usize = 12;

/// Characters that are kept in all: browsers allow a site some five million.
const TEXT_MAX: usize = 400_000;

/// A run that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number: when it was kept, in milliseconds since 1970.
    pub id: u64,
    /// The report as short JSON. It holds no key, no prompt and no answer.
    pub report: String,
}

fields!(Kept { id, report });

impl Kept {
    /// Keeps a report.
    pub fn of(id: u64, report: &Report) -> Self {
        Self {
            id,
            report: short(report, Host::Shown),
        }
    }

    /// The report, if it can still be read.
    pub fn read(&self) -> Option<Report> {
        Report::from_json(&self.report).ok()
    }
}

/// What a run was, in a few words: `gpu32 knee 32 · 1,330 tok/s`.
pub fn title(report: &Report) -> String {
    let mut words = report.config.model.clone();
    let load = match (&report.answer, report.config.load.concurrency()) {
        (Some(answer), _) => match &answer.knee {
            Some(knee) if report.may_rise() => format!("{} best so far", knee.value),
            Some(knee) => format!("knee {}", knee.value),
            None => "no knee".to_owned(),
        },
        (None, Some(n)) => format!("{n} at once"),
        (None, None) => "at a rate".to_owned(),
    };
    words = words + " · " + &load;
    if let Some(rung) = report.main_rung() {
        let stream = report.config.stream;
        let unit = match rung.output_tokens_per_s.filter(|_| stream) {
            Some(_) => "tok/s",
            None => "answers/s",
        };
        words = words + " · " + &number::figure(rung.throughput(stream).value) + " " + unit;
    }
    words
}

/// Adds a run to those that are kept, the latest first.
pub fn add(kept: &mut Vec<Kept>, run: Kept) {
    kept.retain(|other| other.id != run.id);
    kept.insert(0, run);
    kept.truncate(RUNS_MAX);
    let mut room = TEXT_MAX;
    let fits = |run: &Kept| {
        let (left, over) = room.overflowing_sub(run.report.len());
        room = if over { 0 } else { left };
        !over
    };
    let whole = kept.iter().map(fits).take_while(|fits| *fits).count();
    kept.truncate(whole);
}

/// The text that is kept.
pub fn write(kept: &[Kept]) -> String {
    json::to_string(&kept)
}

/// The runs of a text, whatever became of it.
pub fn read(text: &str) -> Vec<Kept> {
    let list: Vec<Value> = json::from_str(text).unwrap_or_default();
    let runs = list.iter().filter_map(|run| <Kept as Read>::read(run).ok());
    let readable = runs.filter(|run: &Kept| run.read().is_some());
    readable.take(RUNS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::example;
    use kneepoint_bench::ladder::StopRule;
    use kneepoint_bench::report::{Rung, verdict};

    #[test]
    fn what_was_kept_is_read_again_and_what_was_damaged_is_left_out() {
        let run = Kept::of(7, &example());
        let text = write(std::slice::from_ref(&run));
        assert_eq!(read(&text), [run]);
        for broken in [
            "",
            "{}",
            "null",
            "[1, {\"id\": 2}]",
            &text[..text.len() / 2],
        ] {
            assert_eq!(read(broken), [], "{broken:.20}");
        }
        let other = r#"[{"id":1,"report":"{\"schema\":99}"}]"#;
        assert_eq!(read(other), []);
    }

    #[test]
    fn the_latest_is_first_and_the_oldest_goes() {
        let mut kept = Vec::new();
        for id in 0..20 {
            add(
                &mut kept,
                Kept {
                    id,
                    report: "{}".to_owned(),
                },
            );
        }
        let ids: Vec<u64> = kept.iter().map(|run| run.id).collect();
        assert_eq!((ids.len(), ids[0]), (RUNS_MAX, 19));
        add(
            &mut kept,
            Kept {
                id: 99,
                report: "x".repeat(TEXT_MAX - 3),
            },
        );
        assert_eq!(kept.len(), 2, "long ones leave less room");
    }

    #[test]
    fn a_run_is_told_in_a_few_words() {
        let title = title(&example());
        assert!(title.contains("knee") && title.contains("tok/s"), "{title}");
    }

    #[test]
    fn a_climb_that_was_stopped_claims_no_knee() {
        let mut report = example();
        let answer = report.answer.as_mut().expect("a ladder");
        answer.stop.value = StopRule::User;
        let knee = answer.knee.as_ref().map_or(0, |knee| knee.value);
        assert!(!report.may_rise(), "rungs above it were measured");
        let is_below = |rung: &Rung| rung.concurrency.is_some_and(|n| n <= knee);
        report.rungs.retain(is_below);
        assert!(report.may_rise());
        let (title, verdict) = (title(&report), verdict(&report));
        assert!(title.contains("32 best so far"), "{title}");
        assert!(
            verdict.starts_with("Best so far at 32 requests at once: "),
            "{verdict}"
        );
    }

    #[test]
    fn a_climb_that_the_client_ended_claims_no_knee() {
        let mut report = example();
        report.answer.as_mut().expect("a ladder").stop.value = StopRule::ClientBound;
        assert!(!report.may_rise(), "rungs above it were measured");
        for rung in &mut report.rungs {
            rung.client.bound = rung.concurrency > Some(32);
        }
        assert!(report.may_rise());
        let verdict = verdict(&report);
        assert!(verdict.starts_with("Best so far at 32 "), "{verdict}");
        assert!(
            verdict.ends_with("; above 32 the client was the limit."),
            "{verdict}"
        );
    }
}
