//! What one simulated endpoint does: its times, its limits and its faults, and how they are drawn.
//!
//! Plain data; `grammar` reads it from a path.

use std::time::Duration;

use super::dice::Dice;
use super::fault::Fault;

/// What one simulated endpoint does. Built by `grammar::parse` only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spec {
    /// To the first token, and for each further one.
    pub(crate) ttft: Delay,
    pub(crate) tpot: Delay,
    /// A batching server instead of the two above.
    pub(crate) step: Option<Step>,
    /// Tokens in an answer, of which `reasoning` come before it as hidden thought.
    pub(crate) tokens: u32,
    pub(crate) reasoning: u32,
    /// Tokens per event of a stream.
    pub(crate) chunk: u32,
    /// Requests served at once, and how many more may wait.
    pub(crate) slots: Option<usize>,
    pub(crate) queue: usize,
    pub(crate) rps: Option<Rate>,
    pub(crate) rpm: Option<Rate>,
    pub(crate) tpm: Option<Rate>,
    pub(crate) retry_after: RetryAfter,
    pub(crate) faults: Vec<(Fault, f64)>,
    /// When the faults happen; else always.
    pub(crate) outage: Option<Outage>,
    /// Without a seed the draws differ from run to run.
    pub(crate) seed: Option<u64>,
    /// What a page from another origin may do: call at all, read the hint headers, see timings.
    pub(crate) cors: bool,
    pub(crate) expose: bool,
    pub(crate) timing: bool,
}

/// A duration that is fixed, or drawn from a log-normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Delay {
    Fixed(Duration),
    LogNormal { median: Duration, sigma: f64 },
}

/// One step of a batching server lasts `base + linear·n + square·n²` for `n` active requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) base_ms: f64,
    pub(crate) linear_ms: f64,
    pub(crate) square_ms: f64,
    /// At most so many requests are active; the others wait their turn.
    pub(crate) active_max: usize,
}

/// A span of time, counted from the first request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outage {
    pub(crate) after: Duration,
    pub(crate) length: Duration,
}

/// A limit on requests or tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rate {
    /// A bucket that refills evenly, holding at most `burst`.
    Bucket { per_s: f64, burst: f64 },
    /// A counter that starts anew every minute.
    Minute { limit: f64 },
}

/// What a 429, 503 or 529 says about when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryAfter {
    /// The truth, where the limit knows it; nothing where it does not.
    Computed,
    Seconds(u64),
    Milliseconds(u64),
    /// The truth (at least one second) as an HTTP date.
    Date,
    Off,
}

/// No time is longer than an hour, in milliseconds.
pub(super) const MS_MAX: f64 = 3_600_000.0;

impl Default for Spec {
    /// An endpoint that answers 32 tokens at once and never fails.
    fn default() -> Self {
        Self {
            ttft: Delay::ZERO,
            tpot: Delay::ZERO,
            step: None,
            tokens: 32,
            reasoning: 0,
            chunk: 1,
            slots: None,
            queue: 0,
            rps: None,
            rpm: None,
            tpm: None,
            retry_after: RetryAfter::Computed,
            faults: Vec::new(),
            outage: None,
            seed: None,
            cors: true,
            expose: true,
            timing: true,
        }
    }
}

impl Delay {
    pub(crate) const ZERO: Self = Self::Fixed(Duration::ZERO);

    /// One draw.
    pub(crate) fn draw(self, dice: &mut Dice) -> Duration {
        match self {
            Self::Fixed(delay) => delay,
            Self::LogNormal { median, sigma } => {
                let factor = (sigma * dice.normal()).exp();
                Duration::from_secs_f64((median.as_secs_f64() * factor).min(MS_MAX / 1000.0))
            }
        }
    }
}

impl Spec {
    /// The fault that a request draws, if any, that arrives at `age` after the first.
    pub(crate) fn draw_fault(&self, age: Duration, dice: &mut Dice) -> Option<&Fault> {
        let is_up = |Outage { after, length }| age < after || age >= after + length;
        if self.faults.is_empty() || self.outage.is_some_and(is_up) {
            return None;
        }
        let mut left = dice.unit();
        for (fault, share) in &self.faults {
            if left < *share {
                return Some(fault);
            }
            left -= share;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_drawn_by_their_shares() {
        let spec = Spec {
            faults: vec![(Fault::Drip, 0.25), (Fault::NoDone, 0.25)],
            ..Spec::default()
        };
        let mut counts = [0_u32; 3];
        for number in 0..10_000 {
            match spec.draw_fault(Duration::ZERO, &mut Dice::new(1, number)) {
                Some(Fault::Drip) => counts[0] += 1,
                Some(_) => counts[1] += 1,
                None => counts[2] += 1,
            }
        }
        assert!(
            counts[0].abs_diff(2500) < 150 && counts[1].abs_diff(2500) < 150,
            "{counts:?}"
        );
    }

    #[test]
    fn in_an_outage_faults_happen_and_else_they_do_not() {
        let ms = Duration::from_millis;
        let spec = Spec {
            faults: vec![(Fault::Refuse, 1.0)],
            outage: Some(Outage {
                after: ms(200),
                length: ms(50),
            }),
            ..Spec::default()
        };
        for (age, is_out) in [
            (0, false),
            (199, false),
            (200, true),
            (249, true),
            (250, false),
        ] {
            let fault = spec.draw_fault(ms(age), &mut Dice::new(1, 1));
            assert_eq!(fault.is_some(), is_out, "{age} ms");
        }
    }

    #[test]
    fn log_normal_draws_have_the_median_that_was_asked_for() {
        let delay = Delay::LogNormal {
            median: Duration::from_millis(100),
            sigma: 0.5,
        };
        let mut draws: Vec<_> = (0..4001)
            .map(|n| delay.draw(&mut Dice::new(5, n)))
            .collect();
        draws.sort();
        assert!(draws[2000].abs_diff(Duration::from_millis(100)) < Duration::from_millis(5));
    }
}
