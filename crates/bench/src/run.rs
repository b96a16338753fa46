//! One runner for all loads: sends what the plan says when it says so, and answers a report.

use std::time::Duration;

use kneepoint_core::platform::Platform;
use kneepoint_core::{ConfigError, Instant};

use crate::climb::climb;
use crate::plan::{Arrivals, Cost, Load, OverBudget, Plan, PlanError, Spend, Start};
use crate::progress::{Control, Listener};
use crate::report::{
    Answer, CONFIDENCE, Method, Purpose, RULE, Report, Rung, SCHEMA, Setup, UNREACHED,
};
use crate::send::Sender;
use crate::session::{Halt, Session, Step};
use crate::tally::Tally;
use crate::target::Target;

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RunError {
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The budget does not allow it.
    #[error("refused before the start: {0}")]
    Budget(#[from] OverBudget),
    /// The client cannot be configured like this.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Carries a plan out.
///
/// It ends when the plan does, when the budget has no room for another request, when nobody could be
/// reached, or when `control` says so; requests in flight are then settled within the plan's bound.
/// Dropping the future takes everything back at once.
///
/// ```
/// use kneepoint_bench::plan::{Load, Plan, Prompts};
/// use kneepoint_bench::{Control, Target, run};
/// use kneepoint_core::platform::sim::{ServerModel, Sim};
/// use kneepoint_core::{Config, Provider};
///
/// // A simulated server that takes about a second for everything. Time there costs nothing.
/// let sim = Sim::new(1);
/// sim.serve("https://llm.test", ServerModel::default());
/// let config = Config::new(Provider::compatible("https://llm.test/v1"));
/// let target = Target::new(config, Prompts::text("small", "Hello!"));
///
/// let plan = Plan { requests: Some(100), ..Plan::new(Load::Closed { concurrency: 20 }) };
/// let report = sim.run(run(&sim, &target, &plan, &Control::new(), &mut ()))?;
/// assert_eq!((report.rungs[0].ok, report.rungs[0].concurrency_peak), (100, 20));
/// assert!(report.text().starts_with("====="));
/// # Ok::<(), kneepoint_bench::RunError>(())
/// ```
pub async fn run<P: Platform>(
    platform: &P,
    target: &Target,
    plan: &Plan,
    control: &Control,
    listener: &mut dyn Listener,
) -> Result<Report, RunError> {
    plan.check()?;
    let (known, each) = foreseen(target, plan);
    plan.budget.allows_run(known, each)?;
    let mut spend = Spend::new(plan.budget);
    run_within(platform, target, plan, control, listener, &mut spend).await
}

/// How many requests a run takes at least, and what each may cost.
pub(crate) fn foreseen(target: &Target, plan: &Plan) -> (u64, Cost) {
    let each = target.prompts.most(&target.prompts.prompt(plan.seed, 0));
    let known = plan.requests.unwrap_or(1);
    (
        known.saturating_add(plan.warmup_requests.unwrap_or(0)),
        each,
    )
}

/// The same, of a budget that others share.
pub(crate) async fn run_within<P: Platform>(
    platform: &P,
    target: &Target,
    plan: &Plan,
    control: &Control,
    listener: &mut dyn Listener,
    spend: &mut Spend,
) -> Result<Report, RunError> {
    plan.check()?;
    let started_unix_ms = platform.unix_time().as_millis() as u64;
    let config = &target.config;
    let sender = match &plan.load {
        Load::Ladder(_) => Sender::probing(platform, config, target.stream)?,
        Load::Closed { .. } if !config.concurrency.adaptive => {
            Sender::workers(platform, config, target.stream)?
        }
        Load::Closed { concurrency } => {
            Sender::plain(platform, config, target.stream, *concurrency)?
        }
        _ => Sender::plain(platform, config, target.stream, plan.in_flight_max)?,
    };
    let mut session = Session::new(platform, target, plan, control, listener, spend, sender);
    let (rungs, answer) = match &plan.load {
        Load::Ladder(options) => {
            let (rungs, answer) = climb(&mut session, options).await;
            (rungs, Some(answer))
        }
        _ => (vec![plain(&mut session).await], None),
    };
    if let Some(Halt::Config(error)) = &session.halt {
        return Err(error.clone().into());
    }
    let mut report = report(&mut session, rungs, answer);
    report.env.started_unix_ms.get_or_insert(started_unix_ms);
    Ok(report)
}

/// Where a plain run stands.
struct Course {
    arrivals: Arrivals,
    /// The planned start of the next request; none in a closed loop.
    next: Option<Instant>,
    /// Since when requests count.
    measuring: Option<Instant>,
    /// Requests that have ended, warm-up included.
    ended: u64,
    /// Requests sent that count.
    counted: u64,
    /// Whether as many were in flight as may be while one that counts was due.
    is_full: bool,
}

/// Carries out a load that is no ladder: one rung, from the end of the warm-up to the last answer.
async fn plain<P: Platform>(session: &mut Session<'_, P>) -> Rung {
    let plan = session.plan;
    let origin = session.origin();
    let concurrency = plan.load.concurrency();
    let mut course = Course {
        arrivals: Arrivals::new(&plan.load, plan.seed),
        next: None,
        measuring: None,
        ended: 0,
        counted: 0,
        is_full: false,
    };
    let mut tally = Tally::new(Purpose::Run, concurrency, 0, plan.slo);
    course.advance(origin);
    session.resize(concurrency.unwrap_or(0));
    session.now.concurrency = concurrency;
    while session.halt.is_none() {
        let now = session.platform.now();
        if course.measuring.is_none() && course.is_warm(plan, now - origin) {
            course.measuring = Some(now);
            tally = Tally::new(Purpose::Run, concurrency, session.micros(now), plan.slo);
            session.begin(Purpose::Run);
        }
        course.send(session, origin);
        if course.is_over(plan, now) {
            break;
        }
        session.now.progress = course.progress(plan, tally.requests(), now);
        let until = course.wake(plan, origin, session.pool.in_flight(), now);
        if let Step::Landed(landing) = session.step(until).await {
            course.ended += 1;
            if landing.job.measured {
                tally.take(&landing);
            }
            if session.is_unreached() {
                session.halt.get_or_insert(Halt::Unreached);
            }
        }
    }
    session
        .drain(|landing| {
            if landing.job.measured {
                tally.take(landing);
            }
        })
        .await;
    let began = course.measuring.unwrap_or(origin);
    let mut around = session.surroundings(session.platform.now() - began);
    around.signs.full = course.is_full.then_some(plan.in_flight_max);
    let rung = tally.run(around);
    session.listener.rung(&rung);
    rung
}

/// The loop looks around at least this often, though nothing may be due.
const AHEAD: Duration = Duration::from_secs(1);

impl Course {
    /// Takes the next planned start from the arrivals.
    fn advance(&mut self, origin: Instant) {
        self.next = match self.arrivals.next() {
            Some(Start::At(after)) => Some(origin + after),
            _ => None,
        };
    }

    /// Whether the warm-up is over, this long after the start.
    fn is_warm(&self, plan: &Plan, elapsed: Duration) -> bool {
        self.ended >= plan.warmup_requests.unwrap_or(0)
            && elapsed >= Duration::from_millis(plan.warmup_ms.unwrap_or(0))
    }

    /// When the plan's duration is over, counted from the end of the warm-up.
    fn ends_at(&self, plan: &Plan) -> Option<Instant> {
        let duration = Duration::from_millis(plan.duration_ms?);
        self.measuring.map(|began| began + duration)
    }

    /// Whether everything was sent that is to be sent.
    fn is_over(&self, plan: &Plan, now: Instant) -> bool {
        let all = plan
            .requests
            .is_some_and(|requests| self.counted >= requests);
        all || self.ends_at(plan).is_some_and(|end| now >= end)
    }

    /// Sends what is due.
    fn send<P: Platform>(&mut self, session: &mut Session<'_, P>, origin: Instant) {
        if self.is_over(session.plan, session.platform.now()) {
            return;
        }
        if self.next.is_some() {
            self.send_planned(session, origin);
        } else {
            self.fill_slots(session);
        }
    }

    /// Sends, in a closed loop, one request for each free slot.
    fn fill_slots<P: Platform>(&mut self, session: &mut Session<'_, P>) {
        let measured = self.measuring.is_some();
        let requests = session.plan.requests.unwrap_or(u64::MAX);
        let left = requests - self.counted;
        let mut sent = 0;
        session.fill(measured, || {
            let room = !measured || sent < left;
            sent += u64::from(room);
            room
        });
        self.counted += if measured { sent } else { 0 };
    }

    /// Sends the requests whose planned start has come.
    fn send_planned<P: Platform>(&mut self, session: &mut Session<'_, P>, origin: Instant) {
        let plan = session.plan;
        let now = session.platform.now();
        let measured = self.measuring.is_some();
        while let Some(due) = self.next.filter(|&due| due <= now)
            && !self.is_over(plan, now)
        {
            if session.pool.in_flight() >= plan.in_flight_max {
                self.is_full |= measured;
                return;
            }
            if !session.send(0, due, measured) {
                return;
            }
            self.counted += u64::from(measured);
            self.advance(origin);
        }
    }

    /// Until when nothing needs to be done.
    fn wake(&self, plan: &Plan, origin: Instant, in_flight: u32, now: Instant) -> Instant {
        let room = in_flight < plan.in_flight_max;
        let warm = plan.warmup_ms.filter(|_| self.measuring.is_none());
        let times = [
            self.next.filter(|_| room),
            self.ends_at(plan),
            warm.map(|ms| origin + Duration::from_millis(ms)),
        ];
        let later = times.into_iter().flatten().filter(|&at| at > now);
        later.fold(now + AHEAD, Instant::min)
    }

    /// How far the run is, from 0 to 1, by whichever of its ends is nearer.
    fn progress(&self, plan: &Plan, ended: u64, now: Instant) -> Option<f64> {
        let by_count = plan.requests.map(|all| ended as f64 / all as f64);
        let by_time = plan
            .duration_ms
            .zip(self.measuring)
            .map(|(ms, began)| (now - began).as_secs_f64() * 1000.0 / ms as f64);
        let share = [by_count, by_time].into_iter().flatten().reduce(f64::max)?;
        Some(share.min(1.0))
    }
}

fn report<P: Platform>(
    session: &mut Session<'_, P>,
    rungs: Vec<Rung>,
    answer: Option<Answer>,
) -> Report {
    let (target, plan) = (session.target, session.plan);
    let is_ladder = matches!(plan.load, Load::Ladder(_));
    let mut notes = Vec::new();
    match &session.halt {
        Some(Halt::User) => notes.push("stopped before its end".to_owned()),
        Some(Halt::Budget(why)) => notes.push(format!("ended by the budget: {why}")),
        Some(Halt::Unreached) => notes.push(UNREACHED.to_owned()),
        _ => {}
    }
    if target.stream && !session.asks_usage() {
        notes.push("the server was not asked for usage in streams".to_owned());
    }
    Report {
        schema: SCHEMA,
        tool: "kneepoint".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: concat!("kneepoint-core ", env!("CARGO_PKG_VERSION")).to_owned(),
        protocol: session.listener.connections(),
        config: setup(target, plan),
        env: target.environment.clone(),
        rungs,
        answer,
        method: Method {
            rule: RULE.name().to_owned(),
            confidence: CONFIDENCE.share(),
            retries: !is_ladder && target.config.retry.retries_max != Some(0),
            usage_asked: session.asks_usage(),
            stopped_early: session.halt.is_some(),
            notes,
        },
    }
}

fn setup(target: &Target, plan: &Plan) -> Setup {
    let provider = &target.config.provider;
    let (host, base) = split(&provider.base_url);
    let is_ladder = matches!(plan.load, Load::Ladder(_));
    Setup {
        host: (!target.hide_host).then_some(host),
        path: format!("{base}{}", provider.family.generation().path()),
        model: target.prompts.model.clone(),
        stream: target.stream,
        max_tokens: target.prompts.max_tokens,
        prompts: target.prompts.describe(),
        cache_mode: target.prompts.cache_mode(),
        load: plan.load.clone(),
        requests: plan.requests,
        duration_ms: plan.duration_ms,
        warmup_requests: plan.warmup_requests,
        warmup_ms: plan.warmup_ms,
        slo: plan.slo,
        seed: plan.seed,
        retries_max: if is_ladder {
            Some(0)
        } else {
            target.config.retry.retries_max
        },
    }
}

/// Host and path of a base URL, without a user's name, a password or parameters.
fn split(url: &str) -> (String, String) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    (host.to_owned(), path.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_host_and_path_and_nothing_secret() {
        #[rustfmt::skip]
        let cases = [
            ("https://api.test/v1",                 "api.test",      "/v1"),
            ("https://me:pw@api.test:8443/v1/",     "api.test:8443", "/v1"),
            ("http://localhost:8088/mock/a=1,b/v1?key=x", "localhost:8088", "/mock/a=1,b/v1"),
            ("https://api.test",                    "api.test",      ""),
        ];
        for (url, host, path) in cases {
            assert_eq!(split(url), (host.to_owned(), path.to_owned()), "{url}");
        }
    }
}
