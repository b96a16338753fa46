//! A result: the verdict, its figures, the pictures, and everything behind them.

use kneepoint_bench::chart::{self, Options, Picture};
use kneepoint_bench::number::percent;
use kneepoint_bench::report::{Report, verdict};
use leptos::prelude::*;

use super::advice::advice;
use super::copy::copy;
use super::export::export;
use super::figures::{figures, of_report};
use super::picture::picture;
use super::share::share;
use super::tables;
use super::wire::wire;
use crate::advice::{advise, bound_at};
use crate::desk::Desk;
use crate::state::{Shown, Source, StateStoreFields};

/// Between two pictures beside each other.
const GAP: u32 = 40;

/// From this width on there are two beside each other.
const TWO: u32 = 720;

/// The scene when something was measured, or opened.
pub(super) fn result(desk: Desk) -> AnyView {
    let shown = desk.state.shown();
    let place = desk.state.place();
    let https = Memo::new(move |_| {
        let place = place.read();
        place
            .server
            .served()
            .and_then(|served| served.https.clone())
    });
    let width = Memo::new(move |_| place.read().width);
    (move || {
        let shown = shown.get()?;
        let report = StoredValue::new(shown.report.clone());
        let pictures = {
            let shown = shown.clone();
            move || pictures(&shown, width.get())
        };
        let wires = shown.report.protocol.clone();
        let said = verdict(&shown.report);
        let copied = said.clone();
        Some(view! {
            <section class="verdict" data-testid="verdict" aria-live="polite">
                <p class="eyebrow row">{from(&shown)}{copy("copy-verdict", "the verdict", move || copied.clone())}</p>
                <p class="sentence" data-testid="sentence">{said}</p>
                <p class="small muted" data-testid="standing">{standing(&shown.report)}</p>
            </section>
            <div data-testid="advice">{advice(advise(&shown.report, https.get().as_deref()))}</div>
            {figures(move || report.with_value(of_report))}
            {wire(move || wires.clone())}
            <div class="tools">{share(desk)}{export(desk)}</div>
            <div class="pictures" data-testid="pictures">{pictures}</div>
            <p class="hint">"Point at a picture, or Tab into it and press the arrow keys, to read it."</p>
            <div class="pair">
                {tables::reference(&shown.report)}
                <div>{tables::findings(&shown.report)}{tables::failures(&shown.report)}</div>
            </div>
            <div class="folds">
                {tables::rungs(&shown.report)}
                {tables::requests(&shown.samples)}
                {tables::measured(&shown.report)}
            </div>
        })
    })
    .into_any()
}

/// Where a result is from.
fn from(shown: &Shown) -> String {
    let what = crate::history::title(&shown.report);
    match &shown.source {
        Source::Measured(..) => what,
        Source::Kept(id) => format!("Earlier, {}: {what}", crate::browser::clock(*id)),
        Source::File(name) => format!("From {name}: {what}"),
        Source::Link => format!("From a link: {what}"),
    }
}

/// How far a verdict can be trusted, in one line of small print.
fn standing(report: &Report) -> String {
    let mut facts = Vec::new();
    if let Some(answer) = &report.answer {
        if let Some(knee) = &answer.knee {
            facts.push(format!("knee between {} and {}", knee.low, knee.high));
        }
        facts.push(format!("stopped: {}", answer.stop.reason));
        facts.push(answer.stability.as_ref().map_or_else(
            || "stability not measured".to_owned(),
            |found| {
                let word = if found.stable {
                    "stable within"
                } else {
                    "drifted by"
                };
                format!("{word} {}", percent(found.value))
            },
        ));
    }
    facts.push(match (report.main_rung(), bound_at(report)) {
        (Some(rung), _) if rung.client.bound => "the client was the limit".to_owned(),
        (_, Some(n)) => format!("the client was a limit at {n} at once"),
        _ => "client not the limit".to_owned(),
    });
    facts.join(" · ")
}

/// The pictures in the order in which they answer questions; neighbours are about equally high.
fn pictures(shown: &Shown, width: u32) -> Vec<AnyView> {
    let Shown {
        report, samples, ..
    } = shown;
    let whole = Options { width };
    let half = Options {
        width: if width >= TWO {
            (width - GAP) / 2
        } else {
            width
        },
    };
    let mut all: Vec<AnyView> = Vec::new();
    let mut add = |test, drawn: Option<Picture>, wide| {
        all.extend(drawn.map(|drawn| picture(test, drawn, wide)));
    };
    let Some(rung) = report.main_rung() else {
        return all;
    };
    let at = report.rungs.iter().position(|one| std::ptr::eq(one, rung));
    let at = at.unwrap_or(0) as u32;
    let requests = |options| chart::requests(samples, at, rung.concurrency, options);
    let climbed = report.rungs.len() > 1;
    if climbed {
        add("throughput", chart::throughput(report, whole), true);
        add("percentiles", chart::percentiles(rung, half), false);
        add("pareto", chart::pareto(report, half), false);
    } else {
        add("over-time", chart::over_time(report, whole), true);
        add("percentiles", chart::percentiles(rung, half), false);
        add("requests", requests(half), false);
    }
    for (test, name, metric) in [
        ("ttft", "time to first token", &rung.ttft),
        ("latency", "latency", &rung.e2e),
    ] {
        let drawn = metric
            .as_ref()
            .and_then(|metric| chart::histogram(name, metric, half));
        add(test, drawn, false);
    }
    if climbed {
        // Where requests were not kept one by one, the last picture has the row for itself.
        let one_by_one = requests(half);
        let alone = one_by_one.is_none();
        let options = if alone { whole } else { half };
        add("over-time", chart::over_time(report, options), alone);
        add("requests", one_by_one, false);
    }
    all
}
