//! The figures behind a result: the reference block, what was found, every rung, how requests ended
//! and how it was measured.

use kneepoint_bench::number::{NONE, count, figure, time_ms};
use kneepoint_bench::record::{Class, Sample};
use kneepoint_bench::report::{Metric, Report};
use leptos::prelude::*;

use super::copy::copy;

/// Requests that the table shows; the files have all.
const REQUESTS_MAX: usize = 200;

/// A table in a box that scrolls sideways; the first cell of a row names it.
pub(super) fn table(head: &[&'static str], rows: Vec<Vec<String>>) -> AnyView {
    let head: Vec<AnyView> = head
        .iter()
        .map(|name| view! { <th scope="col">{*name}</th> }.into_any())
        .collect();
    let cells = |row: Vec<String>| -> Vec<AnyView> {
        let cell = |(index, cell)| match index {
            0 => view! { <th scope="row">{cell}</th> }.into_any(),
            _ => view! { <td>{cell}</td> }.into_any(),
        };
        row.into_iter().enumerate().map(cell).collect()
    };
    let rows: Vec<AnyView> = rows
        .into_iter()
        .map(|row| view! { <tr>{cells(row)}</tr> }.into_any())
        .collect();
    view! {
        <div class="kp-scroll" tabindex="0"><table>
            <thead><tr>{head}</tr></thead>
            <tbody>{rows}</tbody>
        </table></div>
    }
    .into_any()
}

/// The block that scripts look for.
pub(super) fn reference(report: &Report) -> AnyView {
    let rung = report.main_rung();
    let found = rung.and_then(|rung| Some((rung, rung.reference.as_ref()?)));
    let Some((rung, block)) = found else {
        return ().into_any();
    };
    let at = rung
        .concurrency
        .map_or_else(String::new, |n| format!(" at {n} at once"));
    let text = block.text();
    let copied = text.clone();
    view! {
        <section>
            <h2>"Report"{at}{copy("copy-report", "the report", move || copied.clone())}</h2>
            <pre data-testid="reference" tabindex="0">{text}</pre>
        </section>
    }
    .into_any()
}

/// What a ladder found, and why.
pub(super) fn findings(report: &Report) -> AnyView {
    let Some(answer) = &report.answer else {
        return ().into_any();
    };
    let found = [
        ("knee", &answer.knee),
        ("peak", &answer.peak),
        ("limit", &answer.limit),
        ("objectives", &answer.slo),
    ];
    let row = |(name, finding): (&str, &Option<kneepoint_bench::report::Finding>)| {
        let finding = finding.as_ref()?;
        let between = format!("{} and {}", finding.low, finding.high);
        Some(vec![
            name.to_owned(),
            finding.value.to_string(),
            between,
            finding.reason.clone(),
        ])
    };
    let rows = found.into_iter().filter_map(row).collect();
    view! {
        <section class="prose" data-testid="findings">
            <h2>"What was found"</h2>
            {table(&["what", "at once", "between", "why"], rows)}
        </section>
    }
    .into_any()
}

/// Every rung of a ladder.
pub(super) fn rungs(report: &Report) -> AnyView {
    if report.rungs.len() < 2 {
        return ().into_any();
    }
    let time = |metric: &Option<Metric>, q| {
        let found = metric.as_ref().and_then(|metric| metric.quantile(q));
        found.map_or_else(|| NONE.to_owned(), |found| time_ms(found.value))
    };
    let rows = report.rungs.iter().map(|rung| {
        let tokens = rung
            .output_tokens_per_s
            .map_or(f64::NAN, |found| found.value);
        vec![
            rung.concurrency
                .map_or_else(|| NONE.to_owned(), |n| n.to_string()),
            rung.purpose.as_str().to_owned(),
            count(rung.requests),
            figure(rung.requests_per_s.value),
            figure(tokens),
            time(&rung.ttft, 0.5),
            time(&rung.ttft, 0.95),
            time(&rung.e2e, 0.95),
            count(rung.requests - rung.ok.min(rung.requests)),
        ]
    });
    let head = [
        "at once",
        "for",
        "requests",
        "answers/s",
        "tok/s",
        "TTFT p50",
        "TTFT p95",
        "latency p95",
        "no answer",
    ];
    view! {
        <details data-testid="rungs">
            <summary>"Every rung"</summary>
            {table(&head, rows.collect())}
        </details>
    }
    .into_any()
}

/// How requests ended that brought no answer, in the server's first words.
pub(super) fn failures(report: &Report) -> AnyView {
    let mut rows = Vec::new();
    for class in Class::ALL.into_iter().filter(|class| *class != Class::Ok) {
        let classes = report.rungs.iter().flat_map(|rung| &rung.classes);
        let of_class: Vec<_> = classes.filter(|one| one.class == class).collect();
        let total: u64 = of_class.iter().map(|one| one.count).sum();
        let said = of_class.iter().find_map(|one| one.excerpt.clone());
        if total > 0 {
            let said = said.unwrap_or_else(|| NONE.to_owned());
            rows.push(vec![class.as_str().to_owned(), count(total), said]);
        }
    }
    if rows.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="prose" data-testid="failures">
            <h2>"Without an answer"</h2>
            {table(&["ended", "requests", "the first time"], rows)}
        </section>
    }
    .into_any()
}

/// How it was measured, word for word as a terminal shows it.
pub(super) fn measured(report: &Report) -> AnyView {
    let text = report.how_measured();
    view! {
        <details data-testid="how-measured">
            <summary>"How it was measured"</summary>
            <pre class="wrapped">{text}</pre>
        </details>
    }
    .into_any()
}

/// Requests one by one.
pub(super) fn requests(samples: &[Sample]) -> AnyView {
    if samples.is_empty() {
        return ().into_any();
    }
    let time = |value: Option<f64>| time_ms(value.unwrap_or(f64::NAN));
    let row = |sample: &Sample| {
        vec![
            sample.id.to_string(),
            sample.class.as_str().to_owned(),
            sample
                .status
                .map_or_else(|| NONE.to_owned(), |status| status.to_string()),
            time(sample.queue_ms()),
            time(sample.ttft_ms()),
            time(sample.e2e_ms()),
            sample.out_tok.map_or_else(|| NONE.to_owned(), count),
            sample.attempts.to_string(),
            sample.error.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = samples.iter().take(REQUESTS_MAX).map(row).collect();
    let which = match samples.len() {
        all if all <= REQUESTS_MAX => format!("Requests one by one ({all})"),
        all => format!(
            "Requests one by one (the first {REQUESTS_MAX} of {})",
            count(all as u64)
        ),
    };
    let head = [
        "request",
        "ended",
        "status",
        "queued",
        "first token",
        "whole",
        "tokens",
        "attempts",
        "said",
    ];
    view! {
        <details data-testid="requests">
            <summary>{which}</summary>
            {table(&head, rows)}
        </details>
    }
    .into_any()
}
