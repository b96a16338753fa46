//! Whether streams are asked for their usage. Some servers refuse the question with a 400, and a request
//! that met that is asked again without it. Pure.

use std::cell::Cell;

/// After so many requests that were refused with the question and failed without it, too, the question is
/// not at fault: a wrong model's name would else be sent twice by each request.
const TRIALS_MAX: u32 = 3;

/// What is known of the question so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untested,
    /// It may be what a server refused: a request is being tried without it, and none is sent with it.
    Doubted,
    Accepted,
    Refused,
}

/// The question for usage, as all requests of a run share it.
#[derive(Debug)]
pub(crate) struct UsageQuestion {
    state: Cell<State>,
    /// Trials that failed.
    failed: Cell<u32>,
}

impl UsageQuestion {
    /// To be asked, or never where `is_wanted` does not hold.
    pub(crate) const fn new(is_wanted: bool) -> Self {
        let state = if is_wanted {
            State::Untested
        } else {
            State::Refused
        };
        Self {
            state: Cell::new(state),
            failed: Cell::new(0),
        }
    }

    /// Whether a request is sent with it.
    pub(crate) fn is_put(&self) -> bool {
        matches!(self.state.get(), State::Untested | State::Accepted)
    }

    /// Whether servers were asked for usage, as far as is known.
    pub(crate) fn is_asked(&self) -> bool {
        self.state.get() != State::Refused
    }

    /// A request with it was answered.
    pub(crate) fn accept(&self) {
        self.state.set(State::Accepted);
    }

    /// A request with it was refused with a 400: answers whether to try that one without it.
    pub(crate) fn doubt(&self) -> bool {
        let state = self.state.get();
        if state == State::Untested {
            self.state.set(State::Doubted);
        }
        state != State::Accepted
    }

    /// What became of a request that was tried without it.
    pub(crate) fn judge(&self, is_answered: bool) {
        if is_answered {
            self.state.set(State::Refused);
        } else if self.state.get() == State::Doubted {
            self.failed.set(self.failed.get() + 1);
            self.state.set(if self.failed.get() < TRIALS_MAX {
                State::Untested
            } else {
                State::Accepted
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to requests: sent with the question, one is answered or refused; tried without it, one
    /// is answered or fails.
    #[derive(Clone, Copy)]
    enum Turn {
        Answered,
        Refused,
        AnsweredWithout,
        FailedWithout,
    }

    #[test]
    fn the_question_is_dropped_where_it_alone_was_refused() {
        use Turn::{Answered, AnsweredWithout, FailedWithout, Refused};
        let both_ways = [Refused, FailedWithout].repeat(TRIALS_MAX as usize);
        #[rustfmt::skip]
        let cases: [(&[Turn], bool, bool, bool); 8] = [
            // what happened,                     put next,  is another tried, asked
            (&[],                                  true,      true,            true),
            (&[Answered],                          true,      false,           true),
            (&[Refused],                           false,     true,            true),  // while one is tried
            (&[Refused, AnsweredWithout],          false,     true,            false), // those of the first wave
            (&[Refused, FailedWithout],            true,      true,            true),  // a request at fault
            (&[Refused, Answered, FailedWithout],  true,      false,           true),  // another was answered
            (&both_ways,                           true,      false,           true),  // a model at fault
            (&[Refused, Refused, AnsweredWithout], false,     true,            false),
        ];
        for (index, (turns, put, tried, asked)) in cases.into_iter().enumerate() {
            let question = UsageQuestion::new(true);
            for turn in turns {
                match turn {
                    Answered => question.accept(),
                    Refused => assert!(question.doubt(), "case {index}"),
                    AnsweredWithout => question.judge(true),
                    FailedWithout => question.judge(false),
                }
            }
            assert_eq!(question.is_put(), put, "case {index}");
            assert_eq!(question.is_asked(), asked, "case {index}");
            assert_eq!(question.doubt(), tried, "case {index}");
        }
        assert!(!UsageQuestion::new(false).is_put());
    }
}
