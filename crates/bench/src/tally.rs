//! What was measured under one load, folded into the figures of a report as requests end.
//!
//! Memory has a bound: series turn into histograms when they grow long, the timeline's cells widen.

use kneepoint_stats::{Series, little_residual, wilson};

use crate::client_bound::{Signs, judge};
use crate::order::most_at_once;
use crate::plan::Slo;
use crate::rate::{Batches, within};
use crate::record::{Sample, TokenSource};
use crate::report::{CONFIDENCE, ClassCount, Estimate, Metric, Purpose, RULE, Reference, Rung};
use crate::send::Landing;
use crate::timeline::Timeline;

/// Requests whose times are kept to rebuild the concurrency from: 1.5 MB of them.
const SPANS_MAX: usize = 65_536;

/// From when to when a request was in flight, in microseconds, and what it brought. Before that the
/// client may have held it back.
#[derive(Debug, Clone, Copy)]
struct Span {
    held_since: u64,
    start: u64,
    end: u64,
    ok: bool,
    tokens: u64,
}

/// A load's figures so far.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    purpose: Purpose,
    concurrency: Option<u32>,
    from: u64,
    slo: Option<Slo>,
    requests: u64,
    ok: u64,
    refused: u64,
    failed: u64,
    attempts: u64,
    usage_refused: u64,
    slo_met: u64,
    classes: Vec<ClassCount>,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    counted: bool,
    source: Option<TokenSource>,
    streams: u64,
    bursts: u64,
    first_start: Option<u64>,
    last_start: u64,
    last_end: u64,
    busy: u64,
    busy_ok: u64,
    held: u64,
    spans: Vec<Span>,
    times: Times,
    timeline: Timeline,
}

/// The series of all metrics, in milliseconds.
#[derive(Debug, Clone, Default)]
struct Times {
    ttft: Series,
    ttfv: Series,
    tpot: Series,
    icl: Series,
    e2e: Series,
    queue: Series,
    e2e_sched: Series,
}

/// What the runner knows about a window beside its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// What the client observed about itself; the rest is filled in here.
    pub(crate) signs: Signs,
    /// Slots that rested after a refusal, on average.
    pub(crate) resting: f64,
    /// The most requests in flight that the runner counted.
    pub(crate) in_flight_max: u32,
}

impl Tally {
    /// Nothing measured yet, from `from` (microseconds) on.
    pub(crate) fn new(
        purpose: Purpose,
        concurrency: Option<u32>,
        from: u64,
        slo: Option<Slo>,
    ) -> Self {
        Self {
            purpose,
            concurrency,
            from,
            slo,
            requests: 0,
            ok: 0,
            refused: 0,
            failed: 0,
            attempts: 0,
            usage_refused: 0,
            slo_met: 0,
            classes: Vec::new(),
            input_tokens: 0,
            output_tokens: 0,
            cached_tokens: 0,
            counted: true,
            source: None,
            streams: 0,
            bursts: 0,
            first_start: None,
            last_start: from,
            last_end: from,
            busy: 0,
            busy_ok: 0,
            held: 0,
            spans: Vec::new(),
            times: Times::default(),
            timeline: Timeline::new(from),
        }
    }

    /// Requests that have ended.
    pub(crate) const fn requests(&self) -> u64 {
        self.requests
    }

    /// Those that were refused.
    pub(crate) const fn refused(&self) -> u64 {
        self.refused
    }

    /// Those that failed otherwise.
    pub(crate) const fn failed(&self) -> u64 {
        self.failed
    }

    /// Those that met the objectives; none without objectives.
    pub(crate) fn slo_met(&self) -> Option<u64> {
        self.slo.map(|_| self.slo_met)
    }

    /// Takes in a request that has ended.
    pub(crate) fn take(&mut self, landing: &Landing) {
        let sample = &landing.sample;
        self.requests += 1;
        self.attempts += u64::from(sample.attempts);
        self.usage_refused += u64::from(landing.usage_refused);
        self.refused += u64::from(sample.is_refused());
        self.failed += u64::from(sample.is_failed());
        self.slo_met += u64::from(self.slo.is_some_and(|slo| slo.is_met(sample)));
        self.count(sample);
        self.last_end = self.last_end.max(sample.t_end);
        self.timeline.note(sample);
        if let Some(start) = sample.t_start {
            self.first_start = Some(self.first_start.map_or(start, |first| first.min(start)));
            self.last_start = self.last_start.max(start);
            self.busy += sample.t_end.saturating_sub(start);
        }
        // One that was never sent was held to its end.
        let start = sample.t_start.unwrap_or(sample.t_end);
        let held_since = start.saturating_sub(landing.held).max(sample.t_sched);
        self.held += start.saturating_sub(held_since);
        if self.spans.len() < SPANS_MAX {
            self.spans.push(Span {
                held_since,
                start,
                end: sample.t_end,
                ok: sample.is_ok(),
                tokens: sample.out_tok.unwrap_or(0),
            });
        }
        if sample.is_ok() {
            self.answered(sample, &landing.gaps_ms);
        }
    }

    fn count(&mut self, sample: &Sample) {
        let place = self.classes.partition_point(|one| one.class < sample.class);
        match self.classes.get_mut(place) {
            Some(one) if one.class == sample.class => one.count += 1,
            _ => self.classes.insert(
                place,
                ClassCount {
                    class: sample.class,
                    count: 1,
                    excerpt: sample.error.clone(),
                },
            ),
        }
    }

    fn answered(&mut self, sample: &Sample, gaps_ms: &[f64]) {
        self.ok += 1;
        self.busy_ok += sample
            .t_start
            .map_or(0, |start| sample.t_end.saturating_sub(start));
        self.input_tokens += sample.in_tok.unwrap_or(0);
        self.output_tokens += sample.out_tok.unwrap_or(0);
        self.cached_tokens += sample.cached_tok.unwrap_or(0);
        self.counted &= sample.out_tok.is_some();
        self.source = self.source.max(Some(sample.tok_source));
        if sample.t_first.is_some() {
            self.streams += 1;
            self.bursts += u64::from(sample.is_burst());
        }
        let times = &mut self.times;
        for (series, value) in [
            (&mut times.ttft, sample.ttft_ms()),
            (&mut times.ttfv, sample.ttfv_ms()),
            (&mut times.tpot, sample.tpot_ms()),
            (&mut times.e2e, sample.e2e_ms()),
            (&mut times.queue, sample.queue_ms()),
            (&mut times.e2e_sched, sample.e2e_sched_ms()),
        ] {
            if let Some(value) = value {
                note(series, value);
            }
        }
        for &gap in gaps_ms {
            note(&mut times.icl, gap);
        }
    }

    /// The figures of a plain run, from its first dispatch to its last finish.
    ///
    /// Here as in [`Tally::window`] an answer is spread evenly over the time that it took, so that it
    /// does not matter where a stretch of time cuts a wave of requests.
    pub(crate) fn run(self, around: Surroundings) -> Rung {
        let (from, until) = (self.first_start.unwrap_or(self.from), self.last_end);
        let (mut answers, mut tokens) = (Batches::new((from, until)), Batches::new((from, until)));
        if self.is_whole() {
            for span in self.spans.iter().filter(|span| span.ok) {
                answers.spread(span.start, span.end, 1.0);
                tokens.spread(span.start, span.end, span.tokens as f64);
            }
        } else {
            // More requests than spans: the timeline tells when answers came, by cells.
            for cell in self.timeline.moments(until) {
                let (start, end) = (cell.t_s * 1e6, (cell.t_s + cell.duration_s) * 1e6);
                answers.spread(start as u64, end as u64, cell.ok as f64);
                tokens.spread(start as u64, end as u64, cell.tokens);
            }
        }
        let seconds = until.saturating_sub(from) as f64 / 1e6;
        let answers = answers.estimate(self.ok as f64, self.ok);
        let tokens = tokens.estimate(self.output_tokens as f64, self.ok);
        // Slots are busy as long as there is something to send.
        let plateau = (
            from,
            if self.is_whole() {
                self.last_start
            } else {
                until
            },
        );
        let all_at_once = self
            .concurrency
            .is_some_and(|n| self.requests <= u64::from(n));
        let mean = self.busy as f64 / 1e6 / seconds.max(1e-6);
        let arrived = if self.is_whole() {
            self.on_its_way(plateau)
        } else {
            mean + self.held as f64 / 1e6 / seconds.max(1e-6)
        };
        self.rung(
            (from, until),
            answers,
            tokens,
            mean,
            (!all_at_once).then_some(arrived),
            around,
        )
    }

    /// The figures of a window of a closed loop that goes on: it ends at `until`, when requests
    /// that were sent at `started` were still in flight.
    pub(crate) fn window(mut self, until: u64, started: &[u64], around: Surroundings) -> Rung {
        let usual = (self.busy_ok / self.ok.max(1)).max(1);
        let tokens_each = self.output_tokens as f64 / self.ok.max(1) as f64;
        let window = (self.from, until);
        let (mut answers, mut tokens) = (Batches::new(window), Batches::new(window));
        for span in self.spans.iter().filter(|span| span.ok) {
            answers.spread(span.start, span.end, 1.0);
            tokens.spread(span.start, span.end, span.tokens as f64);
        }
        for &start in started {
            // Taken to last as long as the others did, unless it already lasts longer.
            let end = until.max(start + usual);
            if self.ok > 0 {
                answers.spread(start, end, 1.0);
                tokens.spread(start, end, tokens_each);
            }
            let come = within(start, end, (start as f64, until as f64));
            self.timeline.occupy(start, until, tokens_each * come);
            self.spans.push(Span {
                held_since: start,
                start,
                end: until,
                ok: false,
                tokens: 0,
            });
        }
        let answers = answers.estimate(answers.total(), self.ok);
        let tokens = tokens.estimate(tokens.total(), self.ok);
        let mean = self.in_flight(window);
        let arrived = self.on_its_way(window);
        self.rung(window, answers, tokens, mean, Some(arrived), around)
    }

    fn rung(
        self,
        (from, until): (u64, u64),
        answers: Estimate,
        tokens: Estimate,
        mean: f64,
        arrived: Option<f64>,
        around: Surroundings,
    ) -> Rung {
        let seconds = until.saturating_sub(from) as f64 / 1e6;
        let failures = self.requests - self.ok;
        let metric = |series: &Series| Metric::of(series, failures, RULE, CONFIDENCE);
        let icl = metric(&self.times.icl);
        let wanted = self.concurrency.map(|n| f64::from(n) - around.resting);
        // λR is what arrived: requests in flight, by the times of each, and those held back, which the
        // server asked for. Where nothing is answered, slots that fail at once are mostly on their way
        // to the next request.
        let residual = wanted.zip(arrived).and_then(|(wanted, arrived)| {
            let rate = self.requests as f64 / seconds.max(1e-6);
            let residual = little_residual(wanted, rate, arrived / rate.max(1e-9));
            residual.filter(|_| wanted >= 1.0 && self.ok > 0 && seconds > 0.0)
        });
        let signs = Signs {
            gap_ms: icl.as_ref().and_then(|icl| Some(icl.quantile(0.5)?.value)),
            concurrency: self.concurrency,
            in_flight: (self.refused > 0).then_some(mean),
            residual,
            ..around.signs
        };
        let source = self.source.unwrap_or(TokenSource::None);
        let slo_share = self.slo.and_then(|_| share(self.slo_met, self.requests));
        Rung {
            purpose: self.purpose,
            concurrency: self.concurrency,
            start_s: from as f64 / 1e6,
            duration_s: seconds,
            requests: self.requests,
            ok: self.ok,
            attempts: self.attempts,
            usage_refused: self.usage_refused,
            requests_per_s: answers,
            output_tokens_per_s: (self.counted && self.ok > 0).then_some(tokens),
            goodput_per_s: self.slo.map(|_| self.slo_met as f64 / seconds.max(1e-6)),
            slo_share,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cached_tokens: self.cached_tokens,
            token_source: source,
            concurrency_mean: mean,
            concurrency_peak: if self.is_whole() {
                self.peak((from, until))
            } else {
                around.in_flight_max
            },
            little_residual: residual,
            buffered: self.bursts * 2 > self.streams,
            reference: Reference::of(&self.times.e2e, self.requests, seconds, answers.value),
            ttft: metric(&self.times.ttft),
            ttfv: metric(&self.times.ttfv),
            tpot: metric(&self.times.tpot),
            icl,
            e2e: metric(&self.times.e2e),
            queue: metric(&self.times.queue),
            e2e_sched: metric(&self.times.e2e_sched),
            timeline: self.timeline.moments(until),
            client: judge(&signs),
            classes: self.classes,
        }
    }

    /// Whether the times of all requests were kept.
    fn is_whole(&self) -> bool {
        self.spans.len() < SPANS_MAX
    }

    /// Requests in flight on average, by their times.
    fn in_flight(&self, window: (u64, u64)) -> f64 {
        self.present(window, |span| span.start)
    }

    /// The same with those that the client held back. A client does so because of a server that
    /// refused, or told its limits: what is missing then is not the client's slowness.
    fn on_its_way(&self, window: (u64, u64)) -> f64 {
        self.present(window, |span| span.held_since)
    }

    /// Requests on average that the server took on in a window that ends at `until`, when those that were
    /// sent at `started` were still in flight: all but those that it did not answer.
    pub(crate) fn taken_on(&self, until: u64, started: &[u64]) -> f64 {
        let within = |start: u64, end: u64| end.min(until).saturating_sub(start.max(self.from));
        let answered = self.spans.iter().filter(|span| span.ok);
        let answered: u64 = answered.map(|span| within(span.start, span.end)).sum();
        let under_way: u64 = started.iter().map(|&start| within(start, until)).sum();
        (answered + under_way) as f64 / until.saturating_sub(self.from).max(1) as f64
    }

    fn present(&self, (from, until): (u64, u64), since: fn(&Span) -> u64) -> f64 {
        let overlap = |span: &Span| span.end.min(until).saturating_sub(since(span).max(from));
        let present: u64 = self.spans.iter().map(overlap).sum();
        present as f64 / until.saturating_sub(from).max(1) as f64
    }

    /// The most requests in flight at once, by their times.
    fn peak(&self, (from, until): (u64, u64)) -> u32 {
        let inside = |span: &&Span| span.end > from && span.start < until;
        let spans = self.spans.iter().filter(inside);
        let times = spans.map(|span| (span.start.max(from) as f64, span.end as f64));
        let (starts, ends) = times.unzip();
        most_at_once(starts, ends) as u32
    }
}

/// Durations below zero do not occur, and one too long for the counters is no measurement.
fn note(series: &mut Series, value: f64) {
    let _ = series.record(value);
}

fn share(hits: u64, of: u64) -> Option<Estimate> {
    let interval = wilson(hits, of, CONFIDENCE)?;
    Some(Estimate {
        value: hits as f64 / of as f64,
        low: Some(interval.low),
        high: Some(interval.high),
    })
}

#[cfg(test)]
mod tests;
