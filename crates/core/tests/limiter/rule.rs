//! The rule alone, driven by events in any order, sensible or not.

use std::time::Duration;

use kneepoint_core::Instant;
use kneepoint_core::adapt::{Admission, Options, Purpose, Refusal, Rule, Sent, Snapshot};
use kneepoint_core::platform::sim::Random;

const SEEDS: u64 = 300;
const EVENTS: usize = 1500;

/// A rule, a clock and the attempts in flight, moved on by dice.
struct World {
    dice: Random,
    rule: Rule,
    now: Instant,
    in_flight: Vec<Sent>,
    ceiling: u32,
    /// Attempts of trials sent since one ended.
    tried: u32,
}

/// What happened in one step.
enum Event {
    Sent(Sent),
    Held(Admission),
    Ended,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Random::new(seed);
        let ceiling = [1, 3, 8, 64, 256, 10_000][dice.below(6) as usize];
        let options = Options {
            ceiling,
            initial: 1 + dice.below(40) as u32,
            ..Options::default()
        };
        let now = Instant::from_micros(dice.below(10_000_000));
        Self {
            rule: Rule::new(options, now),
            dice,
            now,
            in_flight: Vec::new(),
            ceiling,
            tried: 0,
        }
    }

    fn step(&mut self) -> Event {
        self.pass_time();
        if self.in_flight.is_empty() || self.dice.unit() < 0.6 {
            return self.send();
        }
        let chosen = self.dice.below(self.in_flight.len() as u64) as usize;
        let sent = self.in_flight.swap_remove(chosen);
        self.tried = 0;
        match self.dice.below(20) {
            0..14 => {
                let units = (self.dice.unit() < 0.7).then(|| self.dice.below(500));
                self.rule.succeeded(self.now, sent, units);
            }
            14..18 => {
                let refusal = self.refusal();
                self.rule.refused(self.now, sent, refusal, self.dice.unit());
            }
            18 => self.rule.failed(self.now, sent),
            _ => self.rule.abandoned(self.now, sent),
        }
        Event::Ended
    }

    /// Often not at all: clocks stand still. Sometimes for hours: machines sleep.
    fn pass_time(&mut self) {
        let micros = match self.dice.below(10) {
            0..3 => 0,
            3..7 => self.dice.below(20_000),
            7..9 => self.dice.below(2_000_000),
            _ => self.dice.below(60_000_000) * self.dice.below(100),
        };
        self.now = self.now + Duration::from_micros(micros);
    }

    fn send(&mut self) -> Event {
        match self.rule.admit(self.now) {
            Admission::Go => {
                let sent = self.rule.sent(self.now, self.dice.unit() < 0.8);
                self.in_flight.push(sent);
                self.tried += u32::from(sent.purpose == Purpose::Trial);
                Event::Sent(sent)
            }
            held => Event::Held(held),
        }
    }

    fn refusal(&mut self) -> Refusal {
        let hint = match self.dice.below(8) {
            0 => Some(Duration::ZERO),
            1 => Some(Duration::from_millis(self.dice.below(5000))),
            2 if self.dice.unit() < 0.01 => Some(Duration::MAX),
            _ => None,
        };
        Refusal {
            hint,
            overload: self.dice.unit() < 0.3,
        }
    }
}

/// Lets a check look at every step of every world: the state before, what happened, the world after.
fn every_step(check: impl Fn(&Snapshot, &Event, &World) -> Result<(), String>) {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for number in 0..EVENTS {
            let before = world.rule.snapshot();
            let event = world.step();
            if let Err(broken) = check(&before, &event, &world) {
                panic!("seed {seed}, event {number}: {broken}\nbefore: {before:?}");
            }
        }
    }
}

fn ensure(holds: bool, broken: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(broken()) }
}

#[test]
fn never_more_in_flight_than_the_ceiling_and_the_window_but_for_a_few_of_a_trial() {
    every_step(|before, event, world| {
        let Event::Sent(sent) = event else {
            return Ok(());
        };
        let window = world.rule.snapshot().limit.floor().max(1.0);
        let room = match sent.purpose {
            Purpose::Ordinary => f64::from(sent.in_flight) <= window,
            // From nine tenths of the level, where the window was cut to, to half more than it.
            Purpose::Trial => {
                let level = world.rule.snapshot().limit / 0.93;
                f64::from(world.tried) <= 0.07 * level + (0.5 * level).min(8.0) + 3.0
            }
            Purpose::Probe => true,
        };
        ensure(sent.in_flight <= world.ceiling && room, || {
            format!("{sent:?} in {before:?}")
        })
    });
}

#[test]
fn nothing_is_sent_before_the_gate_and_the_gate_never_moves_earlier() {
    every_step(|before, event, world| {
        ensure(world.rule.snapshot().gate >= before.gate, || {
            "the gate moved".to_owned()
        })?;
        let Event::Sent(sent) = event else {
            return Ok(());
        };
        ensure(sent.at >= before.gate, || {
            format!("{sent:?} before the gate")
        })
    });
}

#[test]
fn one_probe_at_a_time_while_the_server_refuses_everything() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        let mut probe: Option<Sent> = None;
        for _ in 0..EVENTS {
            let blocked_before = world.rule.snapshot().blocked;
            let event = world.step();
            let still_out = probe.is_some_and(|probe| world.in_flight.contains(&probe));
            if let Event::Sent(sent) = event
                && sent.purpose == Purpose::Probe
            {
                assert!(blocked_before > 0, "seed {seed}: a probe of a free server");
                assert!(!still_out, "seed {seed}: two probes at once");
                probe = Some(sent);
            }
            if world.rule.snapshot().blocked == 0 {
                probe = None;
            }
        }
    }
}

#[test]
fn every_figure_stays_in_its_bounds_whatever_the_server_says() {
    every_step(|_, _, world| {
        let state = world.rule.snapshot();
        let limit =
            state.limit.is_finite() && (1.0..=f64::from(world.ceiling)).contains(&state.limit);
        let rate = state
            .rate
            .is_none_or(|rate| rate.is_finite() && rate >= 0.05);
        let counted = state.in_flight as usize == world.in_flight.len();
        ensure(limit && rate && counted, || format!("{state:?}"))
    });
}

#[test]
fn with_nothing_in_flight_a_wake_up_exists_and_is_near() {
    every_step(|before, event, world| {
        let Event::Held(held) = event else {
            return Ok(());
        };
        if !world.in_flight.is_empty() {
            return Ok(());
        }
        let Admission::Wait(at) = held else {
            return Err(format!("{held:?} for ever"));
        };
        let slowest = before.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(1.0 / rate) + Duration::from_millis(1)
        });
        let near = world.now + Duration::from_secs(8).max(slowest);
        ensure(*at > world.now && *at <= near.max(before.gate), || {
            format!("{held:?} at {:?}", world.now)
        })
    });
}

#[test]
fn refusals_of_older_attempts_only_correct_the_first_guess() {
    for seed in 0..SEEDS {
        let mut dice = Random::new(seed);
        let mut now = Instant::from_micros(1);
        let initial = 10 + dice.below(200) as u32;
        let mut rule = Rule::new(
            Options {
                initial,
                ..Options::default()
            },
            now,
        );
        let mut sent: Vec<Sent> = (0..initial)
            .map(|_| {
                assert_eq!(rule.admit(now), Admission::Go);
                rule.sent(now, true)
            })
            .collect();
        let first = sent.pop().unwrap();
        rule.refused(now, first, Refusal::default(), 0.5);
        let mut lowest = first.in_flight;
        while let Some(older) = sent.pop() {
            now = now + Duration::from_millis(dice.below(3));
            if dice.unit() < 0.5 {
                rule.refused(now, older, Refusal::default(), 0.5);
                lowest = lowest.min(older.in_flight);
            } else {
                rule.succeeded(now, older, None);
            }
        }
        let state = rule.snapshot();
        let least = (0.92 * (f64::from(lowest) - 1.0)).max(1.0);
        assert!(
            state.limit >= least,
            "seed {seed}: {state:?}, refused at {lowest}"
        );
        assert_eq!(state.rate, None, "seed {seed}: old refusals made it pace");
    }
}

#[test]
fn a_failure_that_is_no_refusal_moves_neither_window_nor_rate() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..EVENTS {
            world.step();
        }
        // Counts the growth up to now; what follows happens at the same instant.
        let _ = world.rule.admit(world.now);
        let before = world.rule.snapshot();
        for sent in std::mem::take(&mut world.in_flight) {
            world.rule.failed(world.now, sent);
        }
        let after = world.rule.snapshot();
        assert_eq!(
            (after.limit, after.rate),
            (before.limit, before.rate),
            "seed {seed}"
        );
    }
}

#[test]
fn an_unused_window_learns_nothing_from_time() {
    let mut now = Instant::from_micros(1);
    let mut rule = Rule::new(Options::default(), now);
    for _ in 0..300 {
        assert_eq!(rule.admit(now), Admission::Go);
        let sent = rule.sent(now, false);
        now = now + Duration::from_millis(700);
        rule.succeeded(now, sent, Some(10));
        now = now + Duration::from_secs(5);
    }
    assert_eq!(rule.snapshot().limit.to_bits(), 16.0_f64.to_bits());
    assert_eq!(rule.snapshot().rate, None);
}

#[test]
fn the_same_events_give_the_same_decisions() {
    let trace = |seed| {
        let mut world = World::new(seed);
        let steps = (0..EVENTS).map(|_| {
            world.step();
            world.rule.snapshot()
        });
        steps
            .map(|state| (state.limit.to_bits(), state.gate, state.blocked))
            .collect::<Vec<_>>()
    };
    for seed in 0..20 {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
    assert_ne!(trace(1), trace(2));
}

#[test]
fn without_adapting_the_ceiling_holds_and_a_hint_is_still_obeyed() {
    let now = Instant::from_micros(1);
    let options = Options {
        ceiling: 5,
        adaptive: false,
        ..Options::default()
    };
    let mut rule = Rule::new(options, now);
    let sent: Vec<Sent> = (0..5)
        .map(|_| {
            assert_eq!(rule.admit(now), Admission::Go);
            rule.sent(now, true)
        })
        .collect();
    assert_eq!(rule.admit(now), Admission::UntilChange);
    rule.refused(now, sent[0], Refusal::default(), 0.0);
    assert_eq!(rule.admit(now), Admission::Go);
    let hint = Some(Duration::from_secs(3));
    rule.refused(
        now,
        sent[1],
        Refusal {
            hint,
            overload: false,
        },
        0.0,
    );
    assert_eq!(
        rule.admit(now),
        Admission::Wait(now + Duration::from_secs(3))
    );
}
