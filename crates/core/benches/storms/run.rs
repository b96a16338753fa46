//! Runs one storm with one kind of client and measures it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use kneepoint_core::Instant;
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::Sim;

use super::scenarios::{Arrivals, Scenario};

/// Where the simulated server is.
pub(crate) const URL: &str = "https://llm.test/v1/chat/completions";

/// The same for a client that knows the paths.
pub(crate) const BASE_URL: &str = "https://llm.test/v1";

/// One call's work: the body that it sends.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) body: Rc<str>,
}

/// How a call went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallReport {
    pub(crate) attempts: u32,
    /// Attempts that the server refused.
    pub(crate) refused: u32,
    pub(crate) answered: bool,
    /// When its first attempt was sent.
    pub(crate) started: Instant,
    /// Attempts in flight in this client when it was answered, this one included.
    pub(crate) in_flight: u32,
}

/// A client: sends a call, with whatever limits and retries it has.
pub(crate) trait Caller: 'static {
    fn call(&self, call: Call) -> impl Future<Output = CallReport>;
}

/// One call as the client saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) at: f64,
    pub(crate) client: usize,
    pub(crate) seconds: f64,
    pub(crate) report: CallReport,
}

/// A storm, measured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured {
    pub(crate) done: Vec<Done>,
}

impl Measured {
    pub(crate) fn makespan(&self) -> f64 {
        self.done.iter().map(|done| done.at).fold(0.0, f64::max)
    }

    pub(crate) fn answered(&self) -> usize {
        self.done.iter().filter(|done| done.report.answered).count()
    }

    pub(crate) fn lost(&self) -> usize {
        self.done.len() - self.answered()
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.done
            .iter()
            .map(|done| u64::from(done.report.attempts))
            .sum()
    }

    /// The most attempts that any one call needed.
    pub(crate) fn attempts_max(&self) -> u32 {
        self.done
            .iter()
            .map(|done| done.report.attempts)
            .max()
            .unwrap_or(0)
    }

    /// Refused attempts in per cent.
    pub(crate) fn waste(&self) -> f64 {
        let refused: u64 = self
            .done
            .iter()
            .map(|done| u64::from(done.report.refused))
            .sum();
        100.0 * refused as f64 / self.attempts().max(1) as f64
    }

    /// A quantile of the seconds from a call's first attempt to its answer.
    pub(crate) fn latency(&self, from: f64, share: f64) -> f64 {
        let late = self
            .done
            .iter()
            .filter(|done| done.at >= from && done.report.answered);
        quantile(late.map(|done| done.seconds).collect(), share)
    }

    /// How much longer the slowest client took than the fastest.
    pub(crate) fn unfairness(&self, clients: usize) -> f64 {
        let mut ends = vec![0.0_f64; clients];
        for done in &self.done {
            ends[done.client] = ends[done.client].max(done.at);
        }
        let fastest = ends.iter().copied().fold(f64::INFINITY, f64::min);
        ends.iter().copied().fold(0.0, f64::max) / fastest
    }
}

/// What is left to do, and who waits for it.
#[derive(Default)]
struct Ledger {
    measured: Measured,
    waker: Option<Waker>,
}

/// The body of a call. The server draws the call's cost from it.
pub(crate) fn body(number: usize) -> Rc<str> {
    format!("{{\"model\":\"sim\",\"messages\":[{{\"role\":\"user\",\"content\":\"{number}\"}}]}}")
        .into()
}

/// Runs a storm; `caller` makes one client.
pub(crate) fn run<C: Caller>(
    scenario: &Scenario,
    seed: u64,
    caller: impl Fn(&Sim) -> C,
) -> Measured {
    let sim = Sim::new(seed);
    sim.serve(URL, scenario.server.clone()).keep_requests(0);
    let clients: Vec<Rc<C>> = (0..scenario.clients)
        .map(|_| Rc::new(caller(&sim)))
        .collect();
    let ledger = Rc::new(RefCell::new(Ledger::default()));
    for number in 0..scenario.calls {
        let client = number % scenario.clients;
        let caller = Rc::clone(&clients[client]);
        let (world, ledger) = (sim.clone(), Rc::clone(&ledger));
        let arrival = match scenario.arrivals {
            Arrivals::AtOnce => Duration::ZERO,
            Arrivals::PerSecond(rate) => Duration::from_secs_f64(number as f64 / rate),
        };
        sim.spawn(async move {
            world.sleep(arrival).await;
            let report = caller.call(Call { body: body(number) }).await;
            let seconds = (world.now() - report.started).as_secs_f64();
            let ledger = &mut *ledger.borrow_mut();
            let at = world.now().as_secs_f64();
            ledger.measured.done.push(Done {
                at,
                client,
                seconds,
                report,
            });
            if let Some(waker) = ledger.waker.take() {
                waker.wake();
            }
        });
    }
    sim.run(poll_fn(|context| {
        let mut ledger = ledger.borrow_mut();
        if ledger.measured.done.len() == scenario.calls {
            return Poll::Ready(());
        }
        ledger.waker = Some(context.waker().clone());
        Poll::Pending
    }));
    ledger.take().measured
}

/// The quantile of some samples; 0 of none.
pub(crate) fn quantile(mut samples: Vec<f64>, share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let last = samples.len().saturating_sub(1) as f64;
    samples
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(0.0)
}
