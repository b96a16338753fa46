//! When each token is made: on a schedule of its own, or in step with a batching server.

use std::task::{Context, Poll};
use std::time::Duration;

use super::batch::Seat;
use super::dice::Dice;
use super::spec::Delay;
use crate::clock::{self, Alarm};

/// The clock of one answer. Tokens are numbered from 1.
#[derive(Debug)]
pub(crate) enum Pace {
    Schedule(Schedule),
    Batch(Seat),
}

impl Pace {
    /// The clock of an answer for which no token has to be made.
    pub(crate) fn immediate() -> Self {
        let dice = Dice::new(0, 0);
        Self::Schedule(Schedule::new(clock::now(), Delay::ZERO, Delay::ZERO, dice))
    }

    /// Ready once token `token` has been made. Tokens must be asked for in ascending order.
    pub(crate) fn poll_token(&mut self, context: &mut Context<'_>, token: u32) -> Poll<()> {
        match self {
            Self::Schedule(schedule) => {
                let due = schedule.due(token);
                schedule.alarm.poll_due(context, due)
            }
            Self::Batch(seat) => seat.poll_token(context, token),
        }
    }

    /// Waits until token `token` has been made.
    pub(crate) async fn token(&mut self, token: u32) {
        std::future::poll_fn(|context| self.poll_token(context, token)).await;
    }
}

/// Due times that are summed up from the start, so that late timers do not push later tokens.
#[derive(Debug)]
pub(crate) struct Schedule {
    drawn: u32,
    due: Duration,
    ttft: Delay,
    tpot: Delay,
    dice: Dice,
    alarm: Alarm,
}

impl Schedule {
    pub(crate) fn new(start: Duration, ttft: Delay, tpot: Delay, dice: Dice) -> Self {
        Self {
            drawn: 0,
            due: start,
            ttft,
            tpot,
            dice,
            alarm: Alarm::default(),
        }
    }

    /// When token `token` is due, on the process's clock.
    fn due(&mut self, token: u32) -> Duration {
        while self.drawn < token {
            let delay = if self.drawn == 0 {
                self.ttft
            } else {
                self.tpot
            };
            match delay {
                // Fixed times need no loop: a million tokens would hold up everybody else.
                Delay::Fixed(each) if self.drawn > 0 => {
                    self.due += each * (token - self.drawn);
                    self.drawn = token;
                }
                _ => {
                    self.due += delay.draw(&mut self.dice);
                    self.drawn += 1;
                }
            }
        }
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn fixed_due_times_do_not_drift() {
        let dice = Dice::new(1, 1);
        let (ttft, tpot) = (Delay::Fixed(ms(200)), Delay::Fixed(ms(10)));
        let mut schedule = Schedule::new(ms(1000), ttft, tpot, dice);
        assert_eq!(schedule.due(1), ms(1200));
        assert_eq!(schedule.due(2), ms(1210));
        assert_eq!(schedule.due(100), ms(2190));
    }

    #[test]
    fn drawn_due_times_are_the_same_however_they_are_asked_for() {
        let make = || {
            let tpot = Delay::LogNormal {
                median: ms(10),
                sigma: 0.5,
            };
            Schedule::new(ms(0), Delay::ZERO, tpot, Dice::new(7, 3))
        };
        let (mut each, mut jump) = (make(), make());
        let stepwise = (1..=50).map(|token| each.due(token)).last();
        assert_eq!(stepwise, Some(jump.due(50)));
    }
}
