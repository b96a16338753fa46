//! Our own client, reduced to what a storm tests: wait for a permit, send, read, settle, try again.

use std::time::Duration;

use kneepoint_core::adapt::Rejection;
use kneepoint_core::limiter::{Limiter, Options, Outcome};
use kneepoint_core::platform::sim::Sim;
use kneepoint_core::platform::{Body, Platform};
use kneepoint_core::{Head, Headers, HttpRequest, Method};

use super::run::{Call, CallReport, Caller, URL};

/// How often a call is tried again.
pub(crate) const RETRIES: u32 = 10;

/// A client with an adaptive limiter.
pub(crate) struct Kneepoint {
    sim: Sim,
    pub(crate) limiter: Limiter<Sim>,
}

impl Kneepoint {
    pub(crate) fn new(sim: &Sim, rule: kneepoint_core::adapt::Options) -> Self {
        let options = Options {
            rule,
            ..Options::default()
        };
        Self {
            sim: sim.clone(),
            limiter: Limiter::new(sim.clone(), options),
        }
    }
}

/// Sends one attempt and reads its answer.
pub(crate) async fn attempt(sim: &Sim, call: &Call) -> (Head, Vec<u8>) {
    let mut headers = Headers::new();
    headers.set_open("content-type", "application/json");
    let body = Some(call.body.clone());
    let request = HttpRequest {
        method: Method::Post,
        url: URL.into(),
        headers,
        body,
    };
    let (head, mut body) = sim
        .fetch(request)
        .await
        .expect("modelled servers always answer");
    let mut text = Vec::new();
    while let Some(piece) = body
        .chunk()
        .await
        .expect("modelled servers never cut an answer")
    {
        text.extend(piece);
    }
    (head, text)
}

/// The pause that the answer asks for.
pub(crate) fn hint(head: &Head) -> Option<Duration> {
    let seconds: f64 = head.headers.get("retry-after")?.parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}

/// The output of an answer in tokens, if it says so.
fn units(text: &[u8]) -> Option<u64> {
    let answer: serde_json::Value = serde_json::from_slice(text).ok()?;
    answer["usage"]["completion_tokens"].as_u64()
}

/// How long a call waits before it asks for another permit. Short: the limiter does the rest.
fn delay(hint: Option<Duration>, retry: u32, unit: f64) -> Duration {
    hint.unwrap_or_else(|| {
        let ceiling = (0.25 * f64::from(1_u32 << retry.min(16))).min(20.0);
        Duration::from_secs_f64(unit * ceiling)
    })
}

impl Caller for Kneepoint {
    async fn call(&self, call: Call) -> CallReport {
        let mut position = self.limiter.position(0);
        let mut report = CallReport {
            attempts: 0,
            rejected: 0,
            answered: false,
            started: self.sim.now(),
            in_flight: 0,
        };
        loop {
            let permit = self
                .limiter
                .acquire(position)
                .await
                .expect("the queue holds a storm");
            if report.attempts == 0 {
                report.started = self.sim.now();
            }
            let (head, text) = attempt(&self.sim, &call).await;
            report.attempts += 1;
            report.in_flight = self.limiter.snapshot().in_flight;
            let hint = hint(&head);
            match head.status {
                200 => {
                    permit.settle(Outcome::Succeeded {
                        units: units(&text),
                    });
                    report.answered = true;
                    return report;
                }
                429 | 503 => {
                    let overload = head.status == 503;
                    permit.settle(Outcome::Rejected(Rejection { hint, overload }));
                    report.rejected += 1;
                    position.refused();
                }
                _ => permit.settle(Outcome::Failed),
            }
            if report.attempts > RETRIES {
                return report;
            }
            let delay = delay(hint, report.attempts - 1, self.sim.random());
            self.sim.sleep(delay).await;
        }
    }
}
