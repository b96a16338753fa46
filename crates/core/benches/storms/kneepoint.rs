//! Our client, as a program would hold it: nothing is left out and nothing is simplified.

use std::time::Duration;

use kneepoint_core::adapt::Options;
use kneepoint_core::platform::sim::Sim;
use kneepoint_core::retry::Class;
use kneepoint_core::{Client, Config, Endpoint, Provider, Record, Request};

use super::run::{BASE_URL, Call, CallReport, Caller};

/// Some of the random servers ask for minutes.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// The client of a storm. Its calls have all the time in the world, so that no deadline hides what
/// the limit does; all else is as it comes.
pub(crate) struct Kneepoint {
    sim: Sim,
    pub(crate) client: Client<Sim>,
}

impl Kneepoint {
    pub(crate) fn new(sim: &Sim, concurrency: Options) -> Self {
        let mut config = Config::new(Provider::compatible(BASE_URL));
        config.concurrency = concurrency;
        config.timeout = None;
        config.retry.wait_max = WAIT_MAX;
        let client = Client::new(sim.clone(), config).expect("the configuration is valid");
        Self {
            sim: sim.clone(),
            client,
        }
    }
}

impl Caller for Kneepoint {
    async fn call(&self, call: Call) -> CallReport {
        let request = Request::from_json(Endpoint::ChatCompletions, &call.body);
        let asked = self.sim.now();
        match self.client.send(request).await {
            Ok(reply) => report(&reply.record),
            Err(error) => CallReport {
                attempts: error.attempts,
                refused: error.attempts,
                answered: false,
                started: asked,
                in_flight: 0,
            },
        }
    }
}

fn report(record: &Record) -> CallReport {
    let attempts = &record.attempts;
    let unanswered = attempts
        .iter()
        .filter(|attempt| attempt.status != Some(200));
    CallReport {
        attempts: attempts.len() as u32,
        refused: unanswered
            .filter(|attempt| attempt.class.is_some_and(Class::is_refusal))
            .count() as u32,
        answered: true,
        started: attempts.first().map_or(record.created, |first| first.start),
        in_flight: attempts.last().map_or(0, |last| last.in_flight),
    }
}
