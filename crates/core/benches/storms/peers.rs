//! The peers, by their published rules.
//!
//! The `OpenAI` and Fireworks clients share one: up to so many retries of 408, 409, 429 and 5xx, after
//! `retry-after` if that is within a minute, else after 0.5 s doubling up to 8 s, less up to a
//! quarter (`_calculate_retry_timeout` in fireworks-ai's `_base_client.py`, `calculateDefaultRetryTimeoutMillis`
//! in openai-node's `client.ts`). None of them limits how many calls run at once, so their users
//! do: a call holds its place among the workers from its first attempt to its end, pauses included.
//! Assumed: no time-outs, no cost per connection.

use std::time::Duration;

use kneepoint_core::Head;
use kneepoint_core::adapt;
use kneepoint_core::limiter::{Limiter, Options, Outcome};
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::Sim;

use super::attempt::attempt;
use super::run::{Call, CallReport, Caller};

const FIRST_DELAY: f64 = 0.5;
const LONGEST_DELAY: f64 = 8.0;
const JITTER: f64 = 0.25;
const LONGEST_HINT: Duration = Duration::from_mins(1);

/// A fixed number of workers, each with the SDKs' retry rule.
pub(crate) struct Peer {
    sim: Sim,
    workers: Limiter<Sim>,
    retries: u32,
}

impl Peer {
    pub(crate) fn new(sim: &Sim, workers: u32, retries: u32) -> Self {
        let rule = adapt::Options {
            ceiling: workers,
            adaptive: false,
            ..Default::default()
        };
        let options = Options {
            rule,
            ..Options::default()
        };
        Self {
            sim: sim.clone(),
            workers: Limiter::new(sim.clone(), options),
            retries,
        }
    }

    fn delay(&self, hint: Option<Duration>, retry: u32) -> Duration {
        match hint {
            Some(hint) if hint <= LONGEST_HINT => hint,
            _ => {
                let delay = (FIRST_DELAY * f64::from(1_u32 << retry.min(16))).min(LONGEST_DELAY);
                Duration::from_secs_f64(delay * (1.0 - JITTER * self.sim.random()))
            }
        }
    }
}

impl Caller for Peer {
    async fn call(&self, call: Call) -> CallReport {
        let position = self.workers.position(0);
        let place = self
            .workers
            .acquire(position)
            .await
            .expect("the queue holds a storm");
        let started = self.sim.now();
        let mut report = CallReport {
            attempts: 0,
            refused: 0,
            answered: false,
            started,
            in_flight: 0,
        };
        for retry in 0..=self.retries {
            let head = attempt(&self.sim, &call).await;
            report.attempts += 1;
            if head.status == 200 {
                report.answered = true;
                break;
            }
            report.refused += u32::from(matches!(head.status, 429 | 503));
            if retry < self.retries {
                self.sim.sleep(self.delay(hint(&head), retry)).await;
            }
        }
        report.in_flight = self.workers.snapshot().in_flight;
        place.settle(Outcome::Failed { tokens: None });
        report
    }
}

/// The pause that the answer asks for.
fn hint(head: &Head) -> Option<Duration> {
    let seconds: f64 = head.headers.get("retry-after")?.parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}
