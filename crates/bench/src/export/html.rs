//! A report as one HTML file that needs nothing else: no script, no font, no network.
//!
//! It holds what the report holds, and so no key, no prompt and no answer; the host only where the
//! report has it. The JSON stands in it as data, so that the file can be read back.

use std::fmt::Write;

use super::tables::{client_legend, found_table, rungs_table, unanswered_table};
use crate::chart::{self, Options, Picture, Table, escape};
use crate::number::{NONE, capital, count, time_ms};
use crate::record::Sample;
use crate::report::{Metric, Report, Rung, verdict};

/// The page's own style; the pictures bring theirs.
const STYLE: &str = include_str!("page.css");

/// The id of the element in the file whose text is the report's JSON: what
/// [`Report::from_json`] reads.
pub const HTML_DATA_ID: &str = "kneepoint-report";

/// What the page's media query calls wide and narrow; see the style of the pictures.
const WIDTHS: [Options; 2] = [Options { width: 640 }, Options { width: 360 }];

/// A report as one self-contained HTML file, in light or dark as the reader prefers, for screens,
/// phones and paper. `samples` may be empty; with those of the run it shows requests one by one.
///
/// ```
/// # use kneepoint_bench::{export, report::Report};
/// # fn save(report: &Report) {
/// let page = export::html(report, &[]);
/// assert!(page.starts_with("<!doctype html>") && !page.contains("src="));
/// # }
/// ```
pub fn html(report: &Report, samples: &[Sample]) -> String {
    let title = escape(&format!("{} · Kneepoint", report.config.model));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n",
        chart::STYLE
    );
    header(&mut out, report);
    out.push_str("<main>\n");
    pictures(&mut out, report, samples);
    findings(&mut out, report);
    rungs(&mut out, report);
    failures(&mut out, report);
    measured(&mut out, report);
    // `<` as an escape of JSON's own: no text in it can end the element.
    let json = report.to_json().replace('<', "\\u003c");
    let _ = write!(
        out,
        "</main>\n<footer>{} {}</footer>\n\
         <script type=\"application/json\" id=\"{HTML_DATA_ID}\">{json}</script>\n</body>\n</html>\n",
        escape(&report.tool),
        escape(&report.version)
    );
    out
}

fn header(out: &mut String, report: &Report) {
    let host = report.config.host.as_deref().unwrap_or("(host hidden)");
    let mut facts = vec![
        report.config.model.clone(),
        format!("{host}{}", report.config.path),
    ];
    facts.extend(report.protocol.http.clone());
    facts.extend(report.env.started_unix_ms.map(date));
    let facts: Vec<_> = facts
        .iter()
        .map(|fact| format!("<span>{}</span>", escape(fact)))
        .collect();
    let _ = write!(
        out,
        "<header>\n<p class=\"facts\">{}</p>\n<h1>{}</h1>\n",
        facts.join(" "),
        escape(&verdict(report))
    );
    if let Some(answer) = &report.answer {
        let client = if report.client_bound_at().is_some() {
            "the client was a limit"
        } else {
            "client not the limit"
        };
        let _ = writeln!(
            out,
            "<p class=\"muted\">Stopped: {}. {}; {client}.</p>",
            escape(&answer.stop.reason),
            escape(&capital(&answer.steadiness())),
        );
    }
    out.push_str("</header>\n");
}

/// The day and minute of a time in milliseconds since 1970, in UTC.
fn date(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    let (mut days, minute, hour) = (minutes / 1440, minutes % 60, minutes / 60 % 24);
    let mut year = 1970_u64;
    // A file may claim any time; no run takes place after the year 9999.
    if days > 2_900_000 {
        return NONE.to_owned();
    }
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!(
        "{year}-{month:02}-{:02} {hour:02}:{minute:02} UTC",
        days + 1
    )
}

/// The reference block beside the first picture, the others below.
fn pictures(out: &mut String, report: &Report, samples: &[Sample]) {
    let main = report.main_rung();
    let mut figures: Vec<String> = Vec::new();
    let mut add = |draw: &dyn Fn(Options) -> Option<Picture>| {
        if let [Some(wide), Some(narrow)] = WIDTHS.map(draw) {
            figures.push(wide.figure_with_narrow(&narrow));
        }
    };
    if report.rungs.len() > 1 {
        add(&|options| chart::throughput(report, options));
    }
    if let Some(rung) = main {
        add(&|options| chart::percentiles(rung, options));
        if report.rungs.len() > 1 {
            add(&|options| chart::pareto(report, options));
        }
        for (name, metric) in [("time to first token", &rung.ttft), ("latency", &rung.e2e)] {
            if let Some(metric) = metric {
                add(&|options| chart::histogram(name, metric, options));
            }
        }
        add(&|options| chart::over_time(report, options));
        let place = report.rungs.iter().position(|one| std::ptr::eq(one, rung));
        let place = place.unwrap_or(0) as u32;
        add(&|options| chart::requests(samples, place, rung.concurrency, options));
    }
    let block = main.and_then(|rung| Some((rung, rung.reference.as_ref()?)));
    let mut figures = figures.into_iter();
    out.push_str("<div class=\"grid\">\n");
    out.extend(figures.next());
    if let Some((rung, block)) = block {
        let of = rung
            .concurrency
            .map_or_else(String::new, |n| format!(" at {n} at once"));
        let _ = write!(
            out,
            "<section>\n<h2>Report{of}</h2>\n<pre class=\"block\">{}</pre>\n{}</section>\n",
            escape(&block.text()),
            times(rung).html()
        );
    }
    out.extend(figures);
    out.push_str("</div>\n");
}

/// The metrics of a rung, each with what could be said of its tail.
fn times(rung: &Rung) -> Table {
    let mut table = Table::new(["time", "p50", "p95", "p95 holds within", "p99"]);
    let rows = [
        ("first token", &rung.ttft),
        ("per token", &rung.tpot),
        ("whole answer", &rung.e2e),
        ("queued in the client", &rung.queue),
    ];
    for (name, metric) in rows {
        if let Some(metric) = metric {
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|q| at(metric, q));
            table.row([name.to_owned(), p50, p95, within(metric), p99]);
        }
    }
    table
}

fn at(metric: &Metric, q: f64) -> String {
    metric
        .quantile(q)
        .map_or_else(|| NONE.to_owned(), |found| time_ms(found.value))
}

fn within(metric: &Metric) -> String {
    let Some(p95) = metric.quantile(0.95) else {
        return NONE.to_owned();
    };
    match (p95.low, p95.high, p95.needs) {
        (Some(low), Some(high), _) => format!("{} to {}", time_ms(low), time_ms(high)),
        (_, _, Some(needs)) => format!("needs {}, has {}", count(needs), count(metric.n)),
        _ => NONE.to_owned(),
    }
}

fn findings(out: &mut String, report: &Report) {
    if let Some(table) = found_table(report) {
        let _ = write!(
            out,
            "<section class=\"found\">\n<h2>What was found</h2>\n{}</section>\n",
            table.html()
        );
    }
}

fn rungs(out: &mut String, report: &Report) {
    let heading = if report.answer.is_some() {
        "Every rung"
    } else {
        "The run"
    };
    let table = rungs_table(report).html();
    let legend = client_legend(report).map(|legend| format!("<p>{}</p>\n", escape(legend)));
    let legend = legend.unwrap_or_default();
    let _ = write!(
        out,
        "<section>\n<h2>{heading}</h2>\n{table}{legend}</section>\n"
    );
}

fn failures(out: &mut String, report: &Report) {
    if let Some(table) = unanswered_table(report) {
        let _ = write!(
            out,
            "<section class=\"found\">\n<h2>Without an answer</h2>\n{}</section>\n",
            table.html()
        );
    }
}

/// The long form, word for word as a terminal shows it.
fn measured(out: &mut String, report: &Report) {
    let _ = write!(
        out,
        "<section>\n<h2>How it was measured</h2>\n<pre class=\"kp-scroll\" tabindex=\"0\">{}</pre>\n</section>\n",
        escape(report.how_measured().trim_end())
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_a_day_and_a_minute() {
        #[rustfmt::skip]
        let cases = [
            (0,                     "1970-01-01 00:00 UTC"),
            (951_827_640_000,       "2000-02-29 12:34 UTC"),
            (1_798_761_599_999,     "2026-12-31 23:59 UTC"),
            (u64::MAX,              NONE),
        ];
        for (unix_ms, expected) in cases {
            assert_eq!(date(unix_ms), expected);
        }
    }
}
