//! A report as text: a ladder's verdict, the reference block, then the long form.

use std::fmt::{self, Write};

use super::{CacheMode, Estimate, Finding, Metric, Reference, Report, Rung, TIMES, verdict};
use crate::ladder::StopRule;
use crate::number::{NONE, counted};
use crate::plan::Load;
use crate::record::{Class, TokenSource};

/// Stands at rungs at which the client was the limit.
pub const CLIENT_MARK: &str = "client";

/// What [`CLIENT_MARK`] means.
pub const CLIENT_LEGEND: &str =
    "client: it was the limit there, so that the row says little about the server";

/// How wide the rule above and below the reference block is.
const WIDTH: usize = 50;

impl Reference {
    /// The block that the usual small benchmark script prints, with the same rows in the same
    /// order. Times are in milliseconds.
    ///
    /// ```
    /// use kneepoint_bench::report::Reference;
    /// use kneepoint_stats::Series;
    ///
    /// let mut latencies_ms = Series::new();
    /// for latency in [10.0, 20.0, 30.0, 40.0, 50.0] {
    ///     latencies_ms.record(latency)?;
    /// }
    /// let block = Reference::of(&latencies_ms, 5, 0.25, 20.0).expect("there are answers");
    /// assert!(block.text().contains("\n  P95: 57.00\n"));
    /// # Ok::<(), kneepoint_stats::RecordError>(())
    /// ```
    pub fn text(&self) -> String {
        let rule = "=".repeat(WIDTH);
        let Self {
            total_requests,
            total_time_s,
            throughput_per_s,
            min,
            max,
            avg,
            p50,
            p95,
            p99,
            ..
        } = self;
        format!(
            "{rule}\n\
             Total requests: {total_requests}\n\
             Total time (seconds): {total_time_s:.2}\n\
             Throughput (requests/second): {throughput_per_s:.2}\n\
             \n\
             Latency Statistics (ms):\n  \
             Min: {min:.2}\n  \
             Max: {max:.2}\n  \
             Avg: {avg:.2}\n  \
             P50 (median): {p50:.2}\n  \
             P95: {p95:.2}\n  \
             P99: {p99:.2}\n\
             {rule}\n"
        )
    }
}

impl Report {
    /// The reference block of the rung that the report is about, and everything else below it; above
    /// it, of a ladder, the sentence that it was climbed for.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text never fails.
        let _ = self.write(&mut text);
        text
    }

    /// The rung that one block of figures stands for: the chosen one of a ladder (its knee, as measured
    /// for the climb), the only one of a plain run.
    pub fn main_rung(&self) -> Option<&Rung> {
        let knee = self.answer.as_ref().and_then(|answer| answer.knee.as_ref());
        let chosen = knee.and_then(|knee| {
            let is_knee = |rung: &&Rung| {
                rung.concurrency == Some(knee.value) && !rung.is_superseded(&self.rungs)
            };
            self.rungs.iter().find(is_knee)
        });
        chosen.or_else(|| self.rungs.first())
    }

    /// The highest concurrency that was measured, where the client ended the climb the highest at which
    /// it was no limit; 0 where there is none.
    pub(super) fn top(&self) -> u32 {
        let stop = self.answer.as_ref().map(|answer| answer.stop.value);
        let is_usable = |rung: &&Rung| stop != Some(StopRule::ClientBound) || !rung.client.bound;
        let all = self.rungs.iter().filter(is_usable);
        all.filter_map(|rung| rung.concurrency).max().unwrap_or(0)
    }

    /// The lowest concurrency at which the client was the limit, if there is one: also when it was
    /// measured anew.
    pub fn client_bound_at(&self) -> Option<u32> {
        let is_bound = |rung: &&Rung| rung.client.bound && !rung.is_superseded(&self.rungs);
        let bound = self.rungs.iter().filter(is_bound);
        bound.filter_map(|rung| rung.concurrency).min()
    }

    /// Whether a climb was ended, by hand, by its budget or by what the client can do, while its highest
    /// rung was the best: what is called its knee is then the best so far.
    pub fn may_rise(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| {
            let is_cut = matches!(
                answer.stop.value,
                StopRule::User | StopRule::Budget | StopRule::ClientBound
            );
            let knee = answer.knee.as_ref();
            is_cut && knee.is_some_and(|knee| knee.value >= self.top())
        })
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let Some(rung) = self.main_rung() else {
            return writeln!(out, "Nothing was measured.");
        };
        let is_ladder = self.answer.is_some();
        if is_ladder || rung.reference.is_none() {
            writeln!(out, "{}", verdict(self))?;
        }
        if let Some(reference) = &rung.reference {
            let above = if is_ladder { "\n" } else { "" };
            write!(out, "{above}{}", reference.text())?;
        }
        if let Some(answer) = &self.answer {
            writeln!(out, "\nThe ladder")?;
            let none = if answer.drift().is_some() {
                "cannot be named: the server was drifting"
            } else {
                "not found"
            };
            finding(out, "knee", answer.knee.as_ref(), none)?;
            finding(out, "peak", answer.peak.as_ref(), none)?;
            finding(out, "limit", answer.limit.as_ref(), "none was met")?;
            if self.config.slo.is_some() || answer.slo.is_some() {
                finding(out, "slo", answer.slo.as_ref(), "met nowhere")?;
            }
            writeln!(out, "  stopped    {}", answer.stop.reason)?;
            let stability = answer.stability.as_ref();
            let words = stability.map_or("not measured", |found| found.reason.as_str());
            writeln!(out, "  stability  {words}")?;
            if let Some(concurrency) = rung.concurrency {
                writeln!(
                    out,
                    "  figures    above and below are of {concurrency} at a time"
                )?;
            }
            ladder_table(out, &self.rungs, self.config.stream)?;
        }
        requests(out, rung, is_ladder)?;
        times(out, rung)?;
        writeln!(out, "\nHow it was measured")?;
        self.method(out, rung)
    }

    /// How it was measured, a line for each circumstance: what the text ends with.
    pub fn how_measured(&self) -> String {
        let mut text = String::new();
        if let Some(rung) = self.main_rung() {
            // Writing to a text never fails.
            let _ = self.method(&mut text, rung);
        }
        text
    }

    fn method(&self, out: &mut impl Write, rung: &Rung) -> fmt::Result {
        let host = self.config.host.as_deref().unwrap_or("(hidden)");
        writeln!(out, "  endpoint   {host}{}", self.config.path)?;
        writeln!(out, "  model      {}", self.config.model)?;
        writeln!(out, "  load       {}", load(&self.config.load))?;
        let cache = match self.config.cache_mode {
            CacheMode::Unique => "the server's prompt cache cannot help",
            CacheMode::SharedPrefix => "the server's prompt cache may hold the shared beginning",
            CacheMode::Repeated => "the server's prompt cache may hold whole prompts",
        };
        writeln!(out, "  prompts    {}; {cache}", self.config.prompts)?;
        let http = self.protocol.http.as_deref().unwrap_or("not told");
        write!(out, "  protocol   {http}")?;
        if let Some(opened) = self.protocol.opened {
            let s = if opened == 1 { "" } else { "s" };
            write!(out, ", {opened} connection{s} opened")?;
        }
        if let Some(reused) = self.protocol.reused {
            let s = if reused == 1 { "" } else { "s" };
            write!(out, ", {reused} request{s} on open ones")?;
        }
        let is_climb = self.protocol.opened.is_some() && self.answer.is_some();
        writeln!(
            out,
            "{}",
            if is_climb {
                ", over the whole climb"
            } else {
                ""
            }
        )?;
        let client = match (rung.repeats(), self.client_bound_at()) {
            _ if rung.client.bound => rung.client.reasons.join("; "),
            (0, None) => "not the limit".to_owned(),
            (0, Some(n)) => format!("the limit with {n} at a time"),
            (repeats, _) => format!(
                "paused before each of {}: the times contain that",
                counted(repeats, "repeated attempt")
            ),
        };
        writeln!(out, "  client     {client}")?;
        let tokens = match rung.token_source {
            TokenSource::Usage => "counted by the server",
            TokenSource::Timings => "counted by the server (timings)",
            TokenSource::Chunks => "not counted by the server: these are chunks",
            TokenSource::None => "not counted",
        };
        writeln!(out, "  tokens     {tokens}")?;
        if self.answer.is_some() {
            writeln!(
                out,
                "  rates      an answer counts by the share of it that fell into the rung's time"
            )?;
        }
        let retries = if self.method.retries { "on" } else { "off" };
        writeln!(out, "  retries    {retries}")?;
        let (rule, confidence) = (&self.method.rule, self.method.confidence * 100.0);
        let block = rung.reference.as_ref();
        let block = block.map_or_else(String::new, |block| {
            let beyond = match block.rule.as_str() {
                "exclusive" => ", which reaches beyond the maximum where requests are few",
                _ => "",
            };
            format!(" (the block on top: {}{beyond})", block.rule)
        });
        writeln!(
            out,
            "  quantiles  {rule}{block}, intervals hold with {confidence:.0} %"
        )?;
        write!(out, "  version    {} {}", self.tool, self.version)?;
        match self.env.runtime.as_str() {
            "" => writeln!(out)?,
            runtime => writeln!(out, " on {runtime}")?,
        }
        let notes = self.protocol.notes.iter().chain(&self.method.notes);
        for note in notes {
            writeln!(out, "  note       {note}")?;
        }
        Ok(())
    }
}

fn finding(out: &mut impl Write, name: &str, found: Option<&Finding>, none: &str) -> fmt::Result {
    match found {
        None => writeln!(out, "  {name:<9}  {none}"),
        Some(Finding {
            value,
            low,
            high,
            reason,
        }) => writeln!(out, "  {name:<9}  {value} ({low} to {high}): {reason}"),
    }
}

fn ladder_table(out: &mut impl Write, rungs: &[Rung], stream: bool) -> fmt::Result {
    writeln!(
        out,
        "\n  {:>5} {:<8} {:>9} {:>11} {:>10} {:>9} {:>7}",
        "N", "for", "req/s", "tok/s", "e2e p50", "e2e p95", "failed"
    )?;
    for rung in rungs {
        let purpose = rung.purpose.as_str();
        let n = rung.concurrency.unwrap_or_default();
        let tokens = rung.output_tokens_per_s.filter(|_| stream);
        let tokens = tokens.map_or_else(|| NONE.to_owned(), |found| format!("{:.1}", found.value));
        let at = |q| {
            let found = rung.e2e.as_ref().and_then(|e2e| e2e.quantile(q));
            found.map_or_else(|| NONE.to_owned(), |found| format!("{:.1}", found.value))
        };
        let (rate, failed) = (rung.requests_per_s.value, rung.unanswered());
        let (p50, p95) = (at(0.5), at(0.95));
        writeln!(
            out,
            "  {n:>5} {purpose:<8} {rate:>9.2} {tokens:>11} {p50:>10} {p95:>9} {failed:>7}{}",
            if rung.client.bound {
                ["  ", CLIENT_MARK].concat()
            } else {
                String::new()
            }
        )?;
    }
    if rungs.iter().any(|rung| rung.client.bound) {
        writeln!(out, "  {CLIENT_LEGEND}")?;
    }
    Ok(())
}

fn requests(out: &mut impl Write, rung: &Rung, is_ladder: bool) -> fmt::Result {
    let (all, ok, attempts) = (rung.requests, rung.ok, rung.attempts);
    match rung.concurrency.filter(|_| is_ladder) {
        Some(n) => writeln!(out, "\nRequests of the rung with {n} at a time")?,
        None => writeln!(out, "\nRequests")?,
    }
    write!(
        out,
        "  {all} ended, {ok} with an answer, {attempts} attempts"
    )?;
    match rung.usage_refused {
        0 => writeln!(out)?,
        refused => writeln!(out, ", {refused} of them refused with a question for usage")?,
    }
    for one in rung.classes.iter().filter(|one| one.class != Class::Ok) {
        write!(out, "  {:<9}  {}", one.class.as_str(), one.count)?;
        match &one.excerpt {
            Some(excerpt) => writeln!(out, "  first: {excerpt}")?,
            None => writeln!(out)?,
        }
    }
    writeln!(
        out,
        "  answers    {} per second",
        estimate(&rung.requests_per_s)
    )?;
    if let Some(tokens) = &rung.output_tokens_per_s {
        writeln!(out, "  tokens     {} per second", estimate(tokens))?;
    }
    if let Some(goodput) = rung.goodput_per_s {
        writeln!(
            out,
            "  goodput    {goodput:.2} per second met every objective"
        )?;
    }
    let (mean, peak) = (rung.concurrency_mean, rung.concurrency_peak);
    writeln!(out, "  in flight  {mean:.1} on average, {peak} at most")
}

fn times(out: &mut impl Write, rung: &Rung) -> fmt::Result {
    if rung.e2e.is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "\nTimes (ms)  {:>10} {:>10} {:>10} {:>10}  p95 holds within",
        "p50", "p90", "p95", "p99"
    )?;
    let mut names = Vec::new();
    for times in TIMES {
        if let Some(metric) = times.of(rung) {
            row(out, times.name, metric)?;
            names.push([times.name, ": ", times.meaning].concat());
        }
    }
    // Two lines, so that none is wider than the table.
    for half in names.chunks(names.len().div_ceil(2).max(1)) {
        writeln!(out, "  {}", half.join(", "))?;
    }
    if rung.buffered {
        writeln!(
            out,
            "  Most streams came in one burst: something on the way holds them back, and"
        )?;
        writeln!(
            out,
            "  times to the first token and per token are not the model's."
        )?;
    }
    let p95 = rung.e2e.as_ref().and_then(|e2e| e2e.quantile(0.95));
    if let (true, Some(p95)) = (rung.unanswered() > 0, p95) {
        match p95.with_failures {
            Some(value) => writeln!(
                out,
                "  With failures counted as endless, e2e p95 is {value:.2}."
            )?,
            None => writeln!(out, "  With failures counted as endless, so is e2e p95.")?,
        }
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, metric: &Metric) -> fmt::Result {
    write!(out, "  {name:<9} ")?;
    for q in [0.5, 0.9, 0.95, 0.99] {
        match metric.quantile(q) {
            Some(found) => write!(out, " {:>10.2}", found.value)?,
            None => write!(out, " {NONE:>10}")?,
        }
    }
    match metric.quantile(0.95) {
        Some(p95) => match (p95.low, p95.high, p95.needs) {
            (Some(low), Some(high), _) => writeln!(out, "  {low:.2} to {high:.2}"),
            (_, _, Some(needs)) => writeln!(out, "  needs {needs}, has {}", metric.n),
            _ => writeln!(out),
        },
        None => writeln!(out),
    }
}

fn estimate(found: &Estimate) -> String {
    match (found.low, found.high) {
        (Some(low), Some(high)) => format!("{:.2} ({low:.2} to {high:.2})", found.value),
        _ => format!("{:.2}", found.value),
    }
}

fn load(load: &Load) -> String {
    match load {
        Load::Closed { concurrency } => {
            format!("{concurrency} at a time, each after the one before")
        }
        Load::Constant { rate } => format!("{rate} requests a second, evenly"),
        Load::Poisson { rate } => format!("{rate} requests a second at random"),
        Load::Gamma { rate, burstiness } => {
            format!("{rate} requests a second at random, burstiness {burstiness}")
        }
        Load::Ramp { from, to, over_ms } => {
            let seconds = *over_ms as f64 / 1000.0;
            format!("from {from} to {to} requests a second over {seconds} s")
        }
        Load::Ladder(options) => format!(
            "a ladder from {} to {} at a time",
            options.first, options.max
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_block_is_what_scripts_look_for() {
        let block = Reference {
            total_requests: 1000,
            total_time_s: 12.5,
            throughput_per_s: 81.004,
            min: 1.0,
            max: 2.006,
            avg: 1.5,
            p50: 1.4,
            p95: 1.9,
            p99: 1.95,
            rule: "exclusive".to_owned(),
        };
        let expected = "\
==================================================
Total requests: 1000
Total time (seconds): 12.50
Throughput (requests/second): 81.00

Latency Statistics (ms):
  Min: 1.00
  Max: 2.01
  Avg: 1.50
  P50 (median): 1.40
  P95: 1.90
  P99: 1.95
==================================================
";
        assert_eq!(block.text(), expected);
    }

    #[test]
    fn a_quantile_that_a_file_lacks_is_a_dash() {
        let metric = r#"{"n": 2, "min": 1, "max": 3, "mean": 2, "rule": "nearest", "exact": true,
            "quantiles": [{"q": 0.5, "value": 1}, {"q": 0.95, "value": 3}], "buckets": []}"#;
        let metric = crate::json::from_str(metric).expect("a metric");
        let mut text = String::new();
        row(&mut text, "e2e", &metric).expect("texts take all");
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(words, ["e2e", "1.00", "–", "3.00", "–"]);
    }
}
