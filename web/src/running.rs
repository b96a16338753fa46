//! A run while it happens: a small machine of phases, and what the engine has told so far.

use kneepoint_bench::chart::Stretch;
use kneepoint_bench::fields;
use kneepoint_bench::record::{Class, Sample};
use kneepoint_bench::report::{Connections, Moment, Report, Rung};
use kneepoint_bench::{Phase as Doing, Tick};

use crate::form::Goal;
use crate::message::Told;

/// Moments that a picture under way is drawn from; beyond, neighbours are joined.
const MOMENTS_MAX: usize = 240;

/// What a moment is at first, in seconds.
const MOMENT_S: f64 = 0.4;

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// There is none.
    #[default]
    Idle,
    /// The engine is being started.
    Starting,
    /// Requests are sent.
    Running,
    /// Stop was pressed.
    Stopping,
    /// It ended without a result, and why.
    Broken(String),
}

/// A run, and what was told of it.
#[derive(Debug, Clone, Default)]
pub struct Running {
    /// Where it is.
    pub phase: Phase,
    /// What it is for.
    pub goal: Goal,
    /// Requests of a plain run, where a number was asked for.
    pub total: Option<u64>,
    /// Whether answers are streamed.
    pub stream: bool,
    /// How things stand.
    pub tick: Tick,
    /// The rungs so far.
    pub rungs: Vec<Rung>,
    /// What happened when, so far.
    pub stretches: Vec<Stretch>,
    /// How the server is reached.
    pub connections: Connections,
    /// Requests so far.
    pub samples: Vec<Sample>,
    moment_s: f64,
}

impl Running {
    /// A run that was just asked for.
    pub fn begun(goal: Goal, total: Option<u64>, stream: bool) -> Self {
        Self {
            phase: Phase::Starting,
            goal,
            total: total.filter(|_| goal == Goal::Run),
            stream,
            moment_s: MOMENT_S,
            ..Self::default()
        }
    }

    /// Whether something is under way.
    pub const fn is_active(&self) -> bool {
        matches!(
            self.phase,
            Phase::Starting | Phase::Running | Phase::Stopping
        )
    }

    /// Stop was pressed. Whether there is something to stop.
    pub fn stop(&mut self) -> bool {
        let active = self.is_active();
        if active {
            self.phase = Phase::Stopping;
        }
        active
    }

    /// Takes in what the engine tells. With the last word comes the result, and the requests with it.
    pub fn hear(&mut self, told: Told) -> Option<(Report, Vec<Sample>)> {
        if !self.is_active() {
            return None;
        }
        match told {
            Told::Ready if self.phase == Phase::Starting => self.phase = Phase::Running,
            Told::Ready => {}
            Told::Tick(tick) => self.note(tick),
            Told::Rung(rung) => self.rungs.push(rung),
            Told::Samples(samples) => samples.join(&mut self.samples),
            Told::Connections(connections) => self.connections = connections,
            Told::Failed(reason) => self.phase = Phase::Broken(reason),
            Told::Done(report) => {
                let samples = std::mem::take(&mut self.samples);
                *self = Self::default();
                return Some((report, samples));
            }
        }
        None
    }

    fn note(&mut self, tick: Tick) {
        let before = std::mem::replace(&mut self.tick, tick);
        let tick = &self.tick;
        let refused = |tick: &Tick| failures(tick, |class| class == Class::Throttled);
        let failed = |tick: &Tick| failures(tick, |class| class != Class::Throttled);
        let duration_s = (tick.t_s - before.t_s).max(0.0);
        let moment = Moment {
            t_s: before.t_s,
            duration_s,
            in_flight: f64::from(tick.in_flight),
            ok: tick.ok.saturating_sub(before.ok),
            refused: refused(tick).saturating_sub(refused(&before)),
            failed: failed(tick).saturating_sub(failed(&before)),
            tokens: tick.tokens_per_s * duration_s,
        };
        if duration_s > 0.0 && tick.phase != Doing::Drain {
            self.keep(moment);
        }
    }

    fn keep(&mut self, moment: Moment) {
        let concurrency = self.tick.concurrency.filter(|_| self.goal == Goal::Knee);
        match self.stretches.last_mut() {
            Some(last) if last.concurrency == concurrency => {
                let moment_s = self.moment_s;
                match last.moments.last_mut() {
                    Some(one) if one.duration_s < moment_s => {
                        *one = Moment::joined(&[*one, moment]);
                    }
                    _ => last.moments.push(moment),
                }
            }
            _ => self.stretches.push(Stretch {
                concurrency,
                moments: vec![moment],
            }),
        }
        let kept: usize = self.stretches.iter().map(|one| one.moments.len()).sum();
        if kept > MOMENTS_MAX {
            self.moment_s *= 2.0;
            for one in &mut self.stretches {
                one.moments = one.moments.chunks(2).map(Moment::joined).collect();
            }
        }
    }
}

/// Requests of a tick that ended in one of these ways.
pub fn failures(tick: &Tick, is: impl Fn(Class) -> bool) -> u64 {
    let of = tick.failed.iter().filter(|(class, _)| is(*class));
    of.map(|(_, count)| count).sum()
}

/// What is left of a run that a reload cut off.
#[derive(Debug, Clone, PartialEq)]
pub struct CutOff {
    /// Whom it asked, in words.
    pub what: String,
    /// The rungs that were told: concurrency, throughput, TTFT p95 in milliseconds.
    pub rungs: Vec<(u32, f64, Option<f64>)>,
}

fields!(CutOff { what, rungs });

impl CutOff {
    /// Takes in a rung.
    pub fn add(&mut self, rung: &Rung, stream: bool) {
        let Some(n) = rung.concurrency else { return };
        let p95 = rung.ttft.as_ref().and_then(|ttft| ttft.quantile(0.95));
        self.rungs.push((
            n,
            rung.throughput(stream).value,
            p95.map(|found| found.value),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::example;

    fn tick(t_s: f64, ok: u64, failed: &[(Class, u64)]) -> Told {
        Told::Tick(Tick {
            t_s,
            ok,
            failed: failed.to_vec(),
            phase: Doing::Measure,
            in_flight: 4,
            ..Tick::default()
        })
    }

    #[test]
    fn a_run_goes_its_way_and_hands_over_what_was_measured() {
        let mut run = Running::begun(Goal::Run, Some(10), true);
        assert!(run.is_active());
        assert_eq!(run.phase, Phase::Starting);
        assert!(run.hear(Told::Ready).is_none());
        assert_eq!(run.phase, Phase::Running);
        assert!(run.hear(tick(0.2, 1, &[])).is_none());
        assert!(run.stop());
        assert_eq!(run.phase, Phase::Stopping);
        let report = example();
        let (found, samples) = run.hear(Told::Done(report.clone())).expect("the result");
        assert_eq!((found, samples.len()), (report, 0));
        assert_eq!(run.phase, Phase::Idle);
        assert!(!run.stop(), "nothing to stop");
    }

    #[test]
    fn a_broken_run_says_why_and_hears_no_more() {
        let mut run = Running::begun(Goal::Knee, Some(10), true);
        assert_eq!(run.total, None, "nobody knows how long a ladder is");
        assert!(
            run.hear(Told::Failed("the key is odd".to_owned()))
                .is_none()
        );
        assert_eq!(run.phase, Phase::Broken("the key is odd".to_owned()));
        assert!(run.hear(Told::Done(example())).is_none());
        assert!(!run.is_active());
    }

    #[test]
    fn moments_are_differences_of_ticks_and_bounded() {
        let mut run = Running::begun(Goal::Run, None, true);
        run.hear(tick(0.5, 3, &[(Class::Throttled, 1)]));
        run.hear(tick(1.0, 8, &[(Class::Throttled, 3), (Class::Server, 2)]));
        let moments = &run.stretches[0].moments;
        assert_eq!(
            (moments[1].ok, moments[1].refused, moments[1].failed),
            (5, 2, 2)
        );
        for index in 0..2000 {
            run.hear(tick(1.5 + f64::from(index) * 0.5, 8, &[]));
        }
        let moments = &run.stretches[0].moments;
        assert!(moments.len() <= MOMENTS_MAX);
        let ok: u64 = moments.iter().map(|moment| moment.ok).sum();
        assert_eq!(ok, 8, "nothing is lost by joining");
    }
}
