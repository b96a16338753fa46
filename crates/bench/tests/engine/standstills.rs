//! A machine whose processes stand still now and then: the rung that this spoils is found out and measured
//! anew, and no answer stands on it.

use std::ops::RangeInclusive;
use std::time::Duration;

use kneepoint_bench::ladder::{Options, StopRule};
use kneepoint_bench::plan::{Load, Plan};
use kneepoint_bench::record::Sample;
use kneepoint_bench::report::{Report, Rung};
use kneepoint_bench::{Listener, Phase, Tick, run};
use kneepoint_core::platform::sim::{ServerModel, Sim};

use crate::harness::{Stage, taking};

/// When an answer counts: while a rung settles, or where it was sent while one was measured.
type When = fn(Phase, bool) -> bool;
const SETTLING: When = |phase, _| phase == Phase::Settle;
const SENT_IN_WINDOW: When = |_, measured| measured;

/// Lets the client stand still for ten seconds each time that so many of the answers that count have come.
struct Standstills {
    sim: Sim,
    when: When,
    after: RangeInclusive<u32>,
    phase: Phase,
    come: u32,
}

impl Listener for Standstills {
    fn tick(&mut self, tick: &Tick) {
        self.phase = tick.phase;
    }

    fn rung(&mut self, _: &Rung) {
        self.phase = Phase::Settle;
    }

    fn sample(&mut self, _: &Sample, measured: bool) {
        self.come += u32::from((self.when)(self.phase, measured));
        if (self.when)(self.phase, measured) && self.after.contains(&self.come) {
            self.sim.advance(Duration::from_secs(10));
        }
    }
}

/// Climbs on a server while the client stands still after so many answers.
fn climb_held_up(
    server: ServerModel,
    options: Options,
    when: When,
    after: RangeInclusive<u32>,
) -> Report {
    let stage = Stage::new(1, server);
    let plan = Plan::new(Load::Ladder(options));
    let mut listener = Standstills {
        sim: stage.sim.clone(),
        when,
        after,
        phase: Phase::Settle,
        come: 0,
    };
    let climb = run(
        &stage.sim,
        &stage.target,
        &plan,
        &stage.control,
        &mut listener,
    );
    stage.sim.run(climb).expect("it can run")
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
    let report = climb_held_up(taking(1.0, 0.0), options, SENT_IN_WINDOW, 25..=25);
    let bound: Vec<bool> = report.rungs.iter().map(|rung| rung.client.bound).collect();
    assert_eq!(bound, [true, false], "{}", report.text());
    let reasons = &report.rungs[0].client.reasons;
    assert!(reasons[0].contains("timers fired late"), "{reasons:?}");
}

#[test]
fn one_on_one_rung_hides_no_plateau_on_those_above() {
    let report = climb_held_up(eight_slots(), from_four(), SENT_IN_WINDOW, 20..=20);
    let (low, answer) = (&report.rungs[0], report.answer.as_ref().expect("a ladder"));
    assert!(low.client.bound, "{}", report.text());
    assert_eq!(answer.stop.value, StopRule::Plateau, "{}", report.text());
}

#[test]
fn one_while_a_rung_settles_is_over_before_it_is_measured() {
    // In the midst of settling or at its end, on the first rungs.
    for after in 1..=20 {
        let report = climb_held_up(eight_slots(), from_four(), SETTLING, after..=after);
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
    let report = climb_held_up(eight_slots(), options, SETTLING, 2..=2);
    assert!(report.rungs.iter().all(is_calm), "{}", report.text());
}

#[test]
fn a_machine_that_stands_still_whenever_a_rung_settles_is_said_to_be_the_limit() {
    let report = climb_held_up(eight_slots(), from_four(), SETTLING, 1..=u32::MAX);
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
