//! A machine whose processes stand still now and then: the rung that this spoils is found out and measured
//! anew, and no answer stands on it.

use std::time::Duration;

use kneepoint_bench::ladder::{Options, StopRule};
use kneepoint_bench::plan::{Load, Plan};
use kneepoint_bench::record::{Class, Sample};
use kneepoint_bench::report::{Purpose, Report, Rung};
use kneepoint_bench::{Listener, Phase, Tick, run};
use kneepoint_core::platform::sim::{ServerModel, Sim, Truth};

use crate::harness::{Stage, taking};

/// Which of the requests that end count, by what the run does, and whether they were sent while a rung was
/// measured.
type Which = fn(Phase, &Sample, bool) -> bool;
const SETTLING: Which = |phase, _, _| phase == Phase::Settle;
const SENT_IN_WINDOW: Which = |_, _, measured| measured;
const REFUSED: Which =
    |phase, sample, _| phase == Phase::Measure && sample.class == Class::Throttled;

/// Lets the client stand still each time that so many of those that count have ended.
struct Standstills {
    sim: Sim,
    which: Which,
    after: Vec<u32>,
    lasts: Duration,
    phase: Phase,
    ended: u32,
}

impl Listener for Standstills {
    fn tick(&mut self, tick: &Tick) {
        self.phase = tick.phase;
    }

    fn rung(&mut self, _: &Rung) {
        self.phase = Phase::Settle;
    }

    fn sample(&mut self, sample: &Sample, measured: bool) {
        if !(self.which)(self.phase, sample, measured) {
            return;
        }
        self.ended += 1;
        if self.after.contains(&self.ended) {
            self.sim.advance(self.lasts);
        }
    }
}

/// Longer than any request takes.
const LONG: Duration = Duration::from_secs(10);

/// Climbs on a server while the client stands still for a long time after so many requests.
fn climb_held_up(
    server: ServerModel,
    options: Options,
    which: Which,
    after: impl IntoIterator<Item = u32>,
) -> Report {
    climb_held_up_for(LONG, server, options, which, after).0
}

/// The same for some other time, with the server's books.
fn climb_held_up_for(
    lasts: Duration,
    server: ServerModel,
    options: Options,
    which: Which,
    after: impl IntoIterator<Item = u32>,
) -> (Report, Truth) {
    let stage = Stage::new(1, server);
    let plan = Plan::new(Load::Ladder(options));
    let mut listener = Standstills {
        sim: stage.sim.clone(),
        which,
        after: after.into_iter().collect(),
        lasts,
        phase: Phase::Settle,
        ended: 0,
    };
    let climb = run(
        &stage.sim,
        &stage.target,
        &plan,
        &stage.control,
        &mut listener,
    );
    let report = stage.sim.run(climb).expect("it can run");
    (report, stage.truth)
}

fn eight_slots() -> ServerModel {
    ServerModel {
        slots: Some(8),
        queues: true,
        ..taking(1.0, 0.1)
    }
}

fn from_four() -> Options {
    Options {
        first: 4,
        ..Options::default()
    }
}

/// Whether the client was not the limit, and no request seems to have taken as long as it stood still.
fn is_calm(rung: &Rung) -> bool {
    !rung.client.bound && rung.e2e.as_ref().is_none_or(|e2e| e2e.max < 10_000.0)
}

#[test]
fn one_that_ends_a_window_is_the_clients_and_the_rung_is_measured_anew() {
    let options = Options {
        first: 10,
        max: 10,
        window_min_s: 3.0,
        completions_min: 35,
        repeat: false,
        ..Options::default()
    };
    // Answers are read before timers are looked at. Thirty-five end a window, of which ten were sent before it.
    let report = climb_held_up(taking(1.0, 0.0), options, SENT_IN_WINDOW, [25]);
    let bound: Vec<bool> = report.rungs.iter().map(|rung| rung.client.bound).collect();
    assert_eq!(bound, [true, false], "{}", report.text());
    let reasons = &report.rungs[0].client.reasons;
    assert!(reasons[0].contains("timers fired late"), "{reasons:?}");
}

#[test]
fn one_on_one_rung_hides_no_plateau_on_those_above() {
    let report = climb_held_up(eight_slots(), from_four(), SENT_IN_WINDOW, [20]);
    let (low, answer) = (&report.rungs[0], report.answer.as_ref().expect("a ladder"));
    assert!(low.client.bound, "{}", report.text());
    assert_eq!(answer.stop.value, StopRule::Plateau, "{}", report.text());
}

#[test]
fn one_while_a_rung_settles_is_over_before_it_is_measured() {
    // In the midst of settling or at its end, on the first rungs.
    for after in 1..=20 {
        let report = climb_held_up(eight_slots(), from_four(), SETTLING, [after]);
        let answer = report.answer.as_ref().expect("a ladder");
        let said = format!("after {after}\n{}", report.text());
        assert_eq!(answer.stop.value, StopRule::Plateau, "{said}");
        assert!(report.rungs.iter().all(is_calm), "{said}");
    }
}

#[test]
fn one_that_uses_up_the_time_to_settle_is_followed_by_another_such_time() {
    let options = Options {
        settle_s: 3.0,
        max: 8,
        ..from_four()
    };
    let report = climb_held_up(eight_slots(), options, SETTLING, [2]);
    assert!(report.rungs.iter().all(is_calm), "{}", report.text());
}

#[test]
fn a_machine_that_stands_still_whenever_a_rung_settles_is_said_to_be_the_limit() {
    let report = climb_held_up(eight_slots(), from_four(), SETTLING, 1..=1000);
    let (answer, said) = (report.answer.as_ref().expect("a ladder"), report.text());
    assert_eq!(answer.stop.value, StopRule::ClientBound, "{said}");
    assert_eq!((report.rungs.len(), &answer.knee), (4, &None), "{said}");
    let is_told = |rung: &Rung| {
        rung.client
            .reasons
            .iter()
            .any(|why| why.starts_with("while it settled, "))
    };
    assert!(report.rungs.iter().all(is_told), "{said}");
    assert!(
        said.starts_with("No knee was found: with 4 at a time the client was the limit"),
        "{said}"
    );
}

#[test]
fn a_server_that_refuses_is_not_asked_again_because_the_client_was_late() {
    let server = ServerModel {
        slots: Some(20),
        ..taking(1.0, 0.2)
    };
    // So often that each window with refusals is spoilt.
    for (every, ms) in [(5, 300), (5, 1000), (10, 2000), (20, 5000), (30, 10_000)] {
        let after = (1..1000).map(|time| every * time);
        let lasts = Duration::from_millis(ms);
        let (report, truth) =
            climb_held_up_for(lasts, server.clone(), Options::default(), REFUSED, after);
        let (answer, said) = (report.answer.as_ref().expect("a ladder"), report.text());
        let climbed = report
            .rungs
            .iter()
            .filter(|rung| rung.purpose == Purpose::Climb);
        let refused: Vec<&Rung> = climbed
            .filter(|rung| rung.count(Class::Throttled) > 0)
            .collect();
        assert!(refused.len() == 1 && refused[0].client.bound, "{said}");
        assert_eq!(answer.stop.value, StopRule::RateLimited, "{said}");
        let limit = answer.limit.as_ref().expect("it refuses");
        assert!(
            (18..=20).contains(&limit.value) && limit.high >= 20,
            "{said}"
        );
        assert!(truth.counts().rejected < 200, "{:?} {said}", truth.counts());
    }
}

#[test]
fn what_is_concluded_from_a_late_client_is_said_to_be() {
    // From the second rung on it is late each time.
    let late = || (50..5000).step_by(10);
    let go_on = Options {
        stop_client_bound: false,
        repeat: false,
        ..from_four()
    };
    let said = climb_held_up(eight_slots(), go_on, SENT_IN_WINDOW, late()).text();
    assert!(
        said.contains("at once the client was the limit: there the server may do better."),
        "{said}"
    );
    assert!(said.contains("\n  client     the limit with "), "{said}");
    // Where the climb ends there, nothing is concluded from it.
    let said = climb_held_up(eight_slots(), from_four(), SENT_IN_WINDOW, late()).text();
    assert!(!said.contains("may do better"), "{said}");
    assert!(
        said.starts_with("Best so far at 4 requests at once"),
        "{said}"
    );
    assert!(
        said.contains("\n  client     the limit with 8 at a time\n"),
        "{said}"
    );
}
