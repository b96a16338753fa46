//! Carries a ladder out: the state machine says what to measure, this measures it.

use std::time::Duration;

use kneepoint_core::Instant;
use kneepoint_core::platform::Platform;
use kneepoint_stats::{BATCHES, special};

use crate::client_bound::{Point, is_above_cap, staircase};
use crate::ladder::{Ladder, Observation, Options, Step as Next, StopRule};
use crate::progress::Phase;
use crate::reach::UNREACHED_MIN;
use crate::record::Sample;
use crate::report::{Answer, CONFIDENCE, Estimate, Purpose, Rung};
use crate::session::{Halt, Session, Step};
use crate::tally::Tally;

/// A rung during whose settling this machine stood still settles anew, so many times at most. It takes about
/// as long as a request does, so that a second time mostly goes well; a machine that is as busy as that all
/// the time will not let the rung be measured either.
const SETTLE_ANEW_MAX: u32 = 2;

/// What it takes to carry a ladder out.
struct Climb<'s, 'a, P: Platform> {
    session: &'s mut Session<'a, P>,
    options: &'s Options,
    /// Whether requests were refused on the rung before, so that the server may want a rest.
    refused: bool,
    /// Requests of this rung that were refused while it settled; not where the server was still
    /// recovering from the rung before.
    refused_settling: u32,
    /// How much requests of one rung differed at most so far, see [`variation`]. Not where the client was
    /// the limit: that is no work of theirs, and would blur all rungs to come.
    variation: f64,
    /// How long a request took on the lowest rung, in milliseconds.
    service_ms: Option<f64>,
    /// What the rung before brought.
    before: Option<Point>,
}

/// Climbs to the answer. Slots are handed from rung to rung without a break.
pub(crate) async fn climb<P: Platform>(
    session: &mut Session<'_, P>,
    options: &Options,
) -> (Vec<Rung>, Answer) {
    let mut ladder = Ladder::new(options.clone());
    let mut rungs = Vec::new();
    let mut climb = Climb {
        session,
        options,
        refused: false,
        refused_settling: 0,
        variation: 0.0,
        service_ms: None,
        before: None,
    };
    let answer = loop {
        let (concurrency, purpose) = match ladder.next() {
            Next::Done(answer) => break answer,
            Next::Measure {
                concurrency,
                purpose,
            } => (concurrency, purpose),
        };
        climb.session.now.rung = rungs.len() as u32;
        let late = climb.settle(concurrency, purpose).await;
        let measured = climb.measure(concurrency, purpose, late).await;
        match &climb.session.halt {
            // A rung that was cut short proves nothing.
            Some(Halt::User) => ladder.interrupt(StopRule::User, "stopped by hand"),
            Some(Halt::Budget(why)) => ladder.interrupt(StopRule::Budget, why),
            Some(Halt::Config(error)) => ladder.interrupt(StopRule::Errors, &error.to_string()),
            // Whether there is nobody is for the rung to say, which is a measurement.
            Some(Halt::Unreached) | None => {
                let (rung, observation) = measured;
                climb.refused = observation.refused + observation.resting > 0;
                ladder.observe(observation);
                climb.session.listener.rung(&rung);
                rungs.push(rung);
            }
        }
    };
    climb.session.drain(|_| {}).await;
    (rungs, answer)
}

impl<P: Platform> Climb<'_, '_, P> {
    /// Brings the concurrency to a new number and waits until the server feels it. Answers by which sign
    /// the client stood still to the last, if it did: requests that it held up are then measured, too.
    async fn settle(&mut self, concurrency: u32, purpose: Purpose) -> Option<String> {
        self.refused_settling = 0;
        let session = &mut *self.session;
        session.now.phase = Phase::Settle;
        session.now.purpose = Some(purpose);
        session.resize(concurrency);
        session.fill(false, || true);
        // Downward, first those beyond the new number must end.
        let longest = Duration::from_millis(session.plan.drain_ms);
        let until = session.platform.now() + longest;
        while self.session.pool.in_flight() > concurrency && self.is_before(until) {
            self.step(until).await;
        }
        let patience = Duration::from_secs_f64(if self.refused {
            self.options.recover_s
        } else {
            self.options.settle_s
        });
        let mut late = self.settle_once(concurrency, patience, false).await;
        for _ in 0..SETTLE_ANEW_MAX {
            // A server that refuses is not asked for longer than need be.
            if late.is_none() || self.refused_settling > 0 || self.session.halt.is_some() {
                break;
            }
            let patience = Duration::from_secs_f64(self.options.settle_s);
            late = self.settle_once(concurrency, patience, true).await;
        }
        late
    }

    /// Waits until as many requests have ended as there are slots, but no longer than `patience`; `anew`, for
    /// all that were sent before, too, which the client has held up. Answers by which sign it stood still
    /// meanwhile, if it did.
    async fn settle_once(
        &mut self,
        concurrency: u32,
        patience: Duration,
        anew: bool,
    ) -> Option<String> {
        let recovers = self.refused;
        let began = self.session.watch_anew();
        let until = began + patience;
        let mut completions = 0;
        while self.is_before(until) {
            let elapsed = (self.session.platform.now() - began).as_secs_f64();
            let settled = if recovers {
                completions >= u64::from(concurrency)
            } else {
                self.options.is_settled(concurrency, elapsed, completions)
            };
            // Those in flight are in the order in which they were sent.
            let oldest = self.session.pool.started().next();
            let is_held = anew && oldest.is_some_and(|sent| sent < began);
            if settled && !is_held {
                break;
            }
            if let Step::Landed(landing) = self.step(until).await {
                // After refusals it takes answers to know that the server is itself again.
                completions += u64::from(landing.sample.is_ok() || !recovers);
            }
        }
        self.session.stood_still(began)
    }

    /// Whether it is not yet `until`, and nobody wants an end.
    fn is_before(&self, until: Instant) -> bool {
        self.session.halt.is_none() && self.session.platform.now() < until
    }

    /// Measures one rung, for the report and for the ladder. `late`: by which sign the client stood still
    /// right before.
    async fn measure(
        &mut self,
        concurrency: u32,
        purpose: Purpose,
        late: Option<String>,
    ) -> (Rung, Observation) {
        let slo = self.session.plan.slo;
        self.session.begin(purpose);
        let began = self.session.platform.now();
        let from = self.session.micros(began);
        // Slots that still rest were refused on this rung, and may rest for longer than it is measured.
        let resting = u64::from(self.session.pool.resting().min(self.refused_settling));
        let mut tally = Tally::new(purpose, Some(concurrency), from, slo);
        while self.session.halt.is_none() && !self.is_measured(purpose, concurrency, began, &tally)
        {
            let until = self.look_again(purpose, began);
            if let Step::Landed(landing) = self.step(until).await {
                tally.take(&landing);
            }
        }
        let now = self.session.platform.now();
        let session = &mut *self.session;
        let started: Vec<u64> = session
            .pool
            .started()
            .map(|at| session.micros(at))
            .collect();
        let around = session.surroundings(now - began);
        let refused = tally.refused();
        let (failed, slo_met) = (tally.failed(), tally.slo_met());
        let taken_on = tally.taken_on(session.micros(now), &started);
        let mut client_capped = is_above_cap(&around.signs, concurrency);
        let mut rung = tally.window(session.micros(now), &started, around);
        if let Some(why) = self.staircase(concurrency, purpose, &rung) {
            client_capped = true;
            rung.client.reasons.push(why);
        }
        let late = late.map(|why| format!("while it settled, {why}"));
        rung.client.reasons.extend(late);
        rung.client.bound = !rung.client.reasons.is_empty();
        let session = &mut *self.session;
        let throughput = rung.throughput(session.target.stream);
        // Where requests wait in line they differ less than the work does that they bring.
        let variation = self.variation.max(variation(&rung));
        if !rung.client.bound {
            self.variation = variation;
        }
        let observation = Observation {
            concurrency,
            purpose,
            throughput: throughput.value,
            relative_error: relative_error(throughput, variation, rung.ok),
            requests: rung.requests,
            refused,
            resting,
            failed,
            slo_met,
            taken_on,
            client_bound: rung.client.bound.then(|| rung.client.reasons.join("; ")),
            client_capped,
            at_s: (now - session.origin()).as_secs_f64(),
        };
        (rung, observation)
    }

    /// Whether this rung and the one before show a browser's few connections, where nobody tells of
    /// them.
    fn staircase(&mut self, concurrency: u32, purpose: Purpose, rung: &Rung) -> Option<String> {
        let session = &mut *self.session;
        let told = session.listener.connections().http.is_some();
        if told || !session.target.environment.browser || purpose != Purpose::Climb {
            return None;
        }
        let service_ms = *self.service_ms.get_or_insert(rung.e2e.as_ref()?.mean);
        let first = rung.ttft.as_ref().or(rung.e2e.as_ref())?;
        let now = Point {
            concurrency,
            rate: rung.requests_per_s.value,
            first_byte_ms: first.quantile(0.5)?.value,
        };
        let before = self.before.replace(now)?;
        staircase(&before, &now, service_ms)
    }

    /// Whether there is enough for a rung's figures, or no hope of any.
    fn is_measured(
        &self,
        purpose: Purpose,
        concurrency: u32,
        began: Instant,
        tally: &Tally,
    ) -> bool {
        let elapsed = (self.session.platform.now() - began).as_secs_f64();
        let is_unreached = tally.requests() >= UNREACHED_MIN && self.session.is_unreached();
        if is_unreached || self.options.is_hopeless(tally.requests(), tally.failed()) {
            return true;
        }
        match purpose {
            Purpose::Verify => elapsed >= self.options.verify_s,
            _ => self
                .options
                .is_measured(concurrency, elapsed, tally.requests()),
        }
    }

    /// When a window may be over by time alone.
    fn look_again(&self, purpose: Purpose, began: Instant) -> Instant {
        let at = |seconds: f64| began + Duration::from_secs_f64(seconds);
        match purpose {
            Purpose::Verify => at(self.options.verify_s),
            _ if self.session.platform.now() < at(self.options.window_min_s) => {
                at(self.options.window_min_s)
            }
            _ => at(self.options.window_max_s),
        }
    }

    /// One step, after which every slot in use is busy again or rests.
    async fn step(&mut self, until: Instant) -> Step {
        let step = self.session.step(until).await;
        if let Step::Landed(landing) = &step
            && landing.sample.is_refused()
        {
            let settling = self.session.now.phase == Phase::Settle;
            let is_new = landing.job.rung == self.session.now.rung;
            self.refused_settling += u32::from(settling && is_new && !self.refused);
            self.session
                .rest(landing.job.slot, self.rest(&landing.sample));
        }
        let measured = self.session.now.phase == Phase::Measure;
        self.session.fill(measured, || true);
        step
    }

    /// How long a slot rests after a refusal: as the server asks, within bounds. A server that says
    /// "at once" is given a moment all the same.
    fn rest(&self, sample: &Sample) -> Duration {
        let usual = self.options.rest_s;
        let asked = sample.retry_after.map(|ms| ms as f64 / 1000.0);
        let longest = self.options.rest_max_s.max(usual);
        Duration::from_secs_f64(asked.unwrap_or(usual).clamp(usual / 10.0, longest))
    }
}

/// The standard error of a rate as a share of it: from the interval that batch means gave it, or
/// from how much requests differ, whichever is more. Windows are short, so that their batches
/// depend on each other and alone would promise too much.
fn relative_error(throughput: Estimate, variation: f64, answers: u64) -> f64 {
    let tail = 1.0 - (1.0 - CONFIDENCE.share()) / 2.0;
    let reach = special::student_quantile(tail, BATCHES as f64 - 1.0);
    let by_batches = match (throughput.high, reach) {
        (Some(high), Some(reach)) if throughput.value > 0.0 && reach > 0.0 => {
            (high - throughput.value) / reach / throughput.value
        }
        _ => 0.0,
    };
    by_batches.max(variation / (answers.max(1) as f64).sqrt())
}

/// How much requests differ: the standard deviation of their time as a share of its mean.
fn variation(rung: &Rung) -> f64 {
    let e2e = rung.e2e.as_ref();
    e2e.map_or(0.0, |e2e| {
        e2e.sd.unwrap_or(0.0) / e2e.mean.max(f64::MIN_POSITIVE)
    })
}
