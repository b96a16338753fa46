//! The tables behind a report, as its file and the page show them.

use crate::chart::Table;
use crate::number::{NONE, count, figure, time_ms};
use crate::record::Class;
use crate::report::{CLIENT_LEGEND, CLIENT_MARK, Metric, Report, Rung};

/// What a ladder found, and why; none of a plain run.
pub fn found_table(report: &Report) -> Option<Table> {
    let answer = report.answer.as_ref()?;
    let mut table = Table::new(["what", "at once", "between", "why"]);
    let found = [
        ("knee", &answer.knee),
        ("peak", &answer.peak),
        ("limit", &answer.limit),
        ("objectives", &answer.slo),
    ];
    for (name, finding) in found {
        if let Some(finding) = finding {
            let between = format!("{} and {}", finding.low, finding.high);
            table.row([
                name.to_owned(),
                finding.value.to_string(),
                between,
                finding.reason.clone(),
            ]);
        }
    }
    Some(table)
}

/// Every rung. Those at which the client was the limit are marked, see [`client_legend`].
pub fn rungs_table(report: &Report) -> Table {
    let mut table = Table::new([
        "at once",
        "for",
        "requests",
        "answers/s",
        "tok/s",
        "TTFT p50",
        "TTFT p95",
        "latency p50",
        "latency p95",
        "429",
        "failed",
    ]);
    let time = |metric: &Option<Metric>, q| {
        let found = metric.as_ref().and_then(|metric| metric.quantile(q));
        found.map_or_else(|| NONE.to_owned(), |found| time_ms(found.value))
    };
    for rung in &report.rungs {
        table.row([
            rung.concurrency
                .map_or_else(|| NONE.to_owned(), |n| count(n.into())),
            rung.purpose.as_str().to_owned(),
            count(rung.requests),
            figure(rung.requests_per_s.value),
            rung.output_tokens_per_s
                .map_or_else(|| NONE.to_owned(), |found| figure(found.value)),
            time(&rung.ttft, 0.5),
            time(&rung.ttft, 0.95),
            time(&rung.e2e, 0.5),
            time(&rung.e2e, 0.95),
            count(rung.count(Class::Throttled)),
            count(rung.failed()),
        ]);
    }
    if client_legend(report).is_some() {
        let mark = |rung: &Rung| if rung.client.bound { CLIENT_MARK } else { "" };
        table.head.push("limited by".to_owned());
        for (row, rung) in table.rows.iter_mut().zip(&report.rungs) {
            row.push(mark(rung).to_owned());
        }
    }
    table
}

/// What the marks of rungs mean, where there are any.
pub fn client_legend(report: &Report) -> Option<&'static str> {
    let is_bound = |rung: &Rung| rung.client.bound;
    report.rungs.iter().any(is_bound).then_some(CLIENT_LEGEND)
}

/// How requests ended that brought no answer, over all rungs, in the server's first words; none where
/// all were answered.
pub fn unanswered_table(report: &Report) -> Option<Table> {
    let mut table = Table::new(["ended", "requests", "the first time"]);
    for class in Class::ALL.into_iter().filter(|class| *class != Class::Ok) {
        let classes = report.rungs.iter().flat_map(|rung| &rung.classes);
        let of_class: Vec<_> = classes.filter(|one| one.class == class).collect();
        let counts = of_class.iter().map(|one| one.count);
        let total = counts.fold(0, u64::saturating_add);
        if total > 0 {
            let excerpt = of_class.iter().find_map(|one| one.excerpt.clone());
            let excerpt = excerpt.unwrap_or_else(|| NONE.to_owned());
            table.row([class.as_str().to_owned(), count(total), excerpt]);
        }
    }
    (!table.rows.is_empty()).then_some(table)
}
