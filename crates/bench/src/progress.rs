//! A run while it happens: figures of the moment as values, and the wish to stop.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use kneepoint_stats::Histogram;

use crate::rate::within;
use crate::record::{Class, Sample};
use crate::report::{Connections, Purpose, Rung};

/// How often a listener is told how things stand.
pub(crate) const TICK: Duration = Duration::from_millis(200);

/// The stretch over which rates of the moment are taken, in microseconds.
const RECENT_US: u64 = 2_000_000;

/// Told of a run while it happens. Every method may be left as it is.
pub trait Listener {
    /// Five times a second.
    fn tick(&mut self, _tick: &Tick) {}

    /// Each request when it has ended, warm-up included; keep it, write it to a file, or let it go.
    fn sample(&mut self, _sample: &Sample, _measured: bool) {}

    /// Each rung when it was measured.
    fn rung(&mut self, _rung: &Rung) {}

    /// Asked now and then: how the server was reached, as far as the runtime tells.
    fn connections(&mut self) -> Connections {
        Connections::default()
    }
}

/// Nobody listens.
impl Listener for () {}

/// Ends a run from outside. Clones share it.
///
/// ```
/// use kneepoint_bench::Control;
///
/// let control = Control::new();
/// control.clone().stop();
/// assert!(control.is_stopped());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Control(Rc<Cell<Wish>>);

/// What is wanted of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Wish {
    #[default]
    GoOn,
    Stop,
    Abort,
}

impl Control {
    /// Lets the run go on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the run: nothing more is sent, what is in flight is settled within the plan's bound.
    pub fn stop(&self) {
        self.0.set(self.0.get().max(Wish::Stop));
    }

    /// Ends the run and takes back what is in flight, within a tick; what was measured stays.
    pub fn abort(&self) {
        self.0.set(Wish::Abort);
    }

    /// Whether it was ended.
    pub fn is_stopped(&self) -> bool {
        self.0.get() >= Wish::Stop
    }

    /// Whether what is in flight is to be taken back.
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.get() == Wish::Abort
    }
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Requests are sent and do not count yet.
    #[default]
    Warmup,
    /// The concurrency has changed and is not yet what the server feels.
    Settle,
    /// Requests count.
    Measure,
    /// Nothing more is sent.
    Drain,
}

words!(Phase { Warmup = "warmup", Settle = "settle", Measure = "measure", Drain = "drain" });
by_serde!(Phase);

/// How things stand.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tick {
    /// Seconds since the run began.
    pub t_s: f64,
    /// What it is doing.
    pub phase: Phase,
    /// The rung under way, from 0.
    pub rung: u32,
    /// What that is measured for; none before the first.
    pub purpose: Option<Purpose>,
    /// Slots of a closed loop.
    pub concurrency: Option<u32>,
    /// Requests in flight.
    pub in_flight: u32,
    /// Slots that rest after a refusal.
    pub resting: u32,
    /// Requests that have ended since the run began.
    pub done: u64,
    /// Those with an answer.
    pub ok: u64,
    /// Those without, by class; classes that did not occur are left out.
    pub failed: Vec<(Class, u64)>,
    /// Attempts that failed and were repeated, or wait to be.
    pub repeated: u64,
    /// What the last attempt that failed did so of: its status, or the error's name.
    pub last_failure: Option<String>,
    /// How far a plain run is, from 0 to 1; none for a ladder, whose length nobody knows.
    pub progress: Option<f64>,
    /// Answers per second over the last two seconds, each spread evenly over the time that it takes.
    pub requests_per_s: f64,
    /// Tokens of these answers per second.
    pub tokens_per_s: f64,
    /// Dispatch → first content in this rung, in milliseconds.
    pub ttft: Option<Percentiles>,
    /// Dispatch → last content in this rung, in milliseconds.
    pub e2e: Option<Percentiles>,
}

fields!(Tick {
    t_s,
    phase,
    rung,
    purpose,
    concurrency,
    in_flight,
    resting,
    done,
    ok,
    failed,
    repeated,
    last_failure,
    progress,
    requests_per_s,
    tokens_per_s,
    ttft,
    e2e,
});
by_serde!(Tick);

/// Percentiles by nearest rank, to 0.1 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// Above it is one in twenty.
    pub p95: f64,
    /// Above it is one in a hundred.
    pub p99: f64,
}

fields!(Percentiles { p50, p95, p99 });
by_serde!(Percentiles);

impl Percentiles {
    fn of(micros: &Histogram) -> Option<Self> {
        let at = |q| micros.quantile(q).map(|value| value as f64 / 1000.0);
        Some(Self {
            p50: at(0.5)?,
            p95: at(0.95)?,
            p99: at(0.99)?,
        })
    }
}

/// Counts for the ticks.
#[derive(Debug, Default)]
pub(crate) struct Live {
    done: u64,
    ok: u64,
    failed: Vec<(Class, u64)>,
    /// Answers that were under way of late.
    recent: VecDeque<Answer>,
    usual: Usual,
    ttft: Histogram,
    e2e: Histogram,
}

/// From when to when an answer was under way, in microseconds, and its tokens.
#[derive(Debug, Clone, Copy)]
struct Answer {
    start: u64,
    end: u64,
    tokens: u64,
}

/// What the latest answers were like: those in flight are taken to be so, too.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    micros: f64,
    tokens: f64,
}

impl Live {
    /// Begins a rung: percentiles are its own.
    pub(crate) fn begin(&mut self) {
        self.ttft = Histogram::new();
        self.e2e = Histogram::new();
    }

    pub(crate) fn note(&mut self, sample: &Sample) {
        self.done += 1;
        if !sample.is_ok() {
            match self
                .failed
                .iter_mut()
                .find(|(class, _)| *class == sample.class)
            {
                Some((_, count)) => *count += 1,
                None => self.failed.push((sample.class, 1)),
            }
            return;
        }
        self.ok += 1;
        self.recent.push_back(Answer {
            start: sample.t_start.unwrap_or(sample.t_end),
            end: sample.t_end,
            tokens: sample.out_tok.unwrap_or(0),
        });
        self.forget(sample.t_end);
        for (histogram, ms) in [
            (&mut self.ttft, sample.ttft_ms()),
            (&mut self.e2e, sample.e2e_ms()),
        ] {
            // A time that is too long to count is no measurement.
            let _ = ms.map(|ms| histogram.record((ms * 1000.0) as u64));
        }
    }

    fn forget(&mut self, now: u64) {
        let is_over = |answer: &Answer| answer.end + RECENT_US < now;
        while self.recent.front().is_some_and(is_over) {
            self.recent.pop_front();
        }
    }

    /// Answers and tokens per second of late. Counted by their ends they would come in waves, where each
    /// takes seconds; so those in flight count with the share of them that must be there by now.
    fn rates(&mut self, now: u64, started: impl Iterator<Item = u64>) -> (f64, f64) {
        let recent = (now.saturating_sub(RECENT_US) as f64, now as f64);
        let (mut answers, mut tokens) = (0.0, 0.0);
        for answer in &self.recent {
            let share = within(answer.start, answer.end, recent);
            answers += share;
            tokens += share * answer.tokens as f64;
        }
        if !self.recent.is_empty() {
            let count = self.recent.len() as f64;
            let sum = |of: fn(&Answer) -> u64| self.recent.iter().map(of).sum::<u64>() as f64;
            self.usual = Usual {
                micros: sum(|answer| answer.end.saturating_sub(answer.start)) / count,
                tokens: sum(|answer| answer.tokens) / count,
            };
        }
        if self.ok > 0 {
            for start in started {
                // One that takes longer than usual may end any time.
                let end = now.max(start + self.usual.micros as u64);
                let share = within(start, end, recent);
                answers += share;
                tokens += share * self.usual.tokens;
            }
        }
        let seconds = now.clamp(1, RECENT_US) as f64 / 1e6;
        (answers / seconds, tokens / seconds)
    }

    /// Fills in what was counted. `started`: when each request in flight was sent, in microseconds.
    pub(crate) fn fill(&mut self, tick: &Tick, started: impl Iterator<Item = u64>) -> Tick {
        let now = (tick.t_s * 1e6) as u64;
        self.forget(now);
        let (requests_per_s, tokens_per_s) = self.rates(now, started);
        Tick {
            done: self.done,
            ok: self.ok,
            failed: self.failed.clone(),
            requests_per_s,
            tokens_per_s,
            ttft: Percentiles::of(&self.ttft),
            e2e: Percentiles::of(&self.e2e),
            ..tick.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::sample;

    /// An answer of ten tokens.
    fn answer(start_s: f64, end_s: f64) -> Sample {
        Sample {
            t_start: Some((start_s * 1e6) as u64),
            t_last: Some((end_s * 1e6) as u64),
            t_end: (end_s * 1e6) as u64,
            ..sample()
        }
    }

    fn at(t_s: f64) -> Tick {
        Tick {
            t_s,
            ..Tick::default()
        }
    }

    #[test]
    fn rates_of_the_moment_forget_what_is_long_ago() {
        let mut live = Live::default();
        for second in 1..=10 {
            live.note(&answer(f64::from(second) - 1.0, second.into()));
        }
        let tick = live.fill(&at(10.0), std::iter::empty());
        assert_eq!(
            (tick.done, tick.requests_per_s, tick.tokens_per_s),
            (10, 1.0, 10.0)
        );
        assert_eq!(tick.e2e.map(|e2e| e2e.p50.round()), Some(1000.0));
        let later = live.fill(&at(60.0), std::iter::empty());
        assert_eq!(later.requests_per_s, 0.0);
    }

    #[test]
    fn rates_of_the_moment_are_steady_where_answers_are_slow() {
        let mut live = Live::default();
        let sent = |s: f64| std::iter::once((s * 1e6) as u64);
        assert_eq!(
            live.fill(&at(3.0), sent(0.0)).tokens_per_s,
            0.0,
            "nobody knows yet"
        );
        live.note(&answer(0.0, 5.0));
        for t_s in [5.0, 6.2, 8.4, 9.9] {
            let tick = live.fill(&at(t_s), sent(5.0));
            assert!((tick.tokens_per_s - 2.0).abs() < 1e-9, "{tick:?}");
            assert!((tick.requests_per_s - 0.2).abs() < 1e-9, "{tick:?}");
        }
        // It should have ended at ten, and does not.
        assert_eq!(live.fill(&at(25.0), sent(5.0)).tokens_per_s, 0.5);
    }

    #[test]
    fn failures_are_counted_by_class() {
        let mut live = Live::default();
        for class in [Class::Server, Class::Throttled, Class::Server] {
            live.note(&Sample { class, ..sample() });
        }
        let tick = live.fill(&Tick::default(), std::iter::empty());
        assert_eq!(tick.failed, [(Class::Server, 2), (Class::Throttled, 1)]);
        assert_eq!((tick.done, tick.ok), (3, 0));
    }
}
