//! Results as files.

use kneepoint_bench::record::Sample;
use kneepoint_bench::report::Report;
use kneepoint_bench::{export, json};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::element::{Element, button, element, folded};
use crate::browser;
use crate::desk::Desk;
use crate::share::encode_padded;
use crate::state::{Shown, StateStoreFields};

/// The formats: name in the document, what it is called, how the file ends.
const FORMATS: [(&str, &str, &str); 9] = [
    ("json", "JSON: the whole result", "json"),
    ("html", "HTML: one page with everything", "html"),
    ("csv", "CSV: a row for each rung", "csv"),
    (
        "requests-csv",
        "CSV: a row for each request",
        "requests.csv",
    ),
    (
        "requests-jsonl",
        "JSON lines: each request",
        "requests.jsonl",
    ),
    ("text", "Text: the long form", "txt"),
    (
        "vllm",
        "JSON with the keys of vLLM's bench serve",
        "vllm.json",
    ),
    ("hgrm", "HDR percentiles (.hgrm)", "hgrm"),
    ("hdr", "HDR histogram (V2, base64)", "hdr"),
];

/// The menu of formats.
pub(super) fn export(desk: Desk) -> Element {
    let mut items = element("ul");
    for (name, words, _) in FORMATS {
        let press = move || spawn_local(async move { save(desk, name).await });
        let item = button("quiet", &("export-".to_owned() + name), press).text(words);
        items = items.with(element("li").with(item));
    }
    folded("menu", "export", "Export").with(items)
}

async fn save(desk: Desk, format: &'static str) {
    let Some(shown) = desk.state.shown().get_untracked() else {
        return;
    };
    let Some((_, _, ending)) = FORMATS.into_iter().find(|(name, ..)| *name == format) else {
        return;
    };
    let kind = match ending.rsplit('.').next() {
        Some("json") => "application/json",
        Some("html") => "text/html",
        Some("csv") => "text/csv",
        _ => "text/plain",
    };
    let saved = match text(&shown, format).await {
        Some(text) => browser::save(&format!("kneepoint.{ending}"), kind, text.as_bytes()).is_ok(),
        None => false,
    };
    if !saved {
        desk.tell("There is nothing for that format in this result, or the browser refused it.");
    }
}

async fn text(
    Shown {
        report, samples, ..
    }: &Shown,
    format: &str,
) -> Option<String> {
    let times = || report.main_rung().and_then(|rung| rung.e2e.as_ref());
    match format {
        "json" => Some(report.to_json()),
        "html" => Some(export::html(report, samples)),
        "csv" => Some(export::rungs_csv(report)),
        "requests-csv" => lines(samples, Some(export::CSV_HEADER), export::csv_row),
        "requests-jsonl" => lines(samples, None, export::json_line),
        "text" => Some(Report::text(report)),
        "vllm" => Some(json::to_string(&export::vllm(report, report.main_rung()?))),
        "hgrm" => times().map(export::hgrm),
        "hdr" => {
            let packed = browser::deflate(&export::hdr(times()?)).await?;
            Some(encode_padded(&export::hdr_compressed(&packed)))
        }
        _ => None,
    }
}

fn lines(samples: &[Sample], head: Option<&str>, line: fn(&Sample) -> String) -> Option<String> {
    if samples.is_empty() {
        return None;
    }
    let head = head.map(ToOwned::to_owned);
    let all: Vec<String> = head.into_iter().chain(samples.iter().map(line)).collect();
    Some(all.join("\n") + "\n")
}
