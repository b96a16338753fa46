//! Whether the server is there: what all calls of a key saw of it, as no single one can.
//!
//! A gateway whose server starts anew answers each request at once with a 502. Taken one by one these
//! are troubles of a request, and each call that fails makes room for the next: a queue of thousands
//! is lost within seconds. Taken together they say what a 503 says, to which the answer is to wait.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::retry::{Class, Outlook};
use crate::time::Instant;

/// More failures in a row than these are no bad luck, if each was sent after the first of them was
/// known: what was under way together may well have been lost together. Where no retry can be paid
/// for any more, those count too.
const IN_A_ROW: u32 = 8;

/// A server that answered well less than this ago is expected back. Later its errors surface as they
/// are, so that whoever can goes elsewhere.
const ANSWERED_MAX: Duration = Duration::from_secs(60);

/// A call that has come later waits this long for a server that refuses everything: most limits
/// count by the minute, and then it takes a few seconds more until it is asked again.
const REFUSED_MAX: Duration = Duration::from_secs(75);

/// And this long for one that takes no connection: as long as three attempts need, of which each waits
/// ten seconds for one.
const UNREACHED_MAX: Duration = Duration::from_secs(30);

/// What is known of a server's being there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Presence {
    heard: Option<Instant>,
    answered: Option<Instant>,
    trouble: Option<Trouble>,
    /// An attempt has come to no connection since it was last heard.
    is_unreached: bool,
}

/// Failures since the last success of an attempt that was sent among them: one that was sent before
/// them may well have come from a server that is gone now.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    since: Instant,
    failures: u32,
    /// Those since the last success that were sent after it began.
    in_a_row: u32,
}

impl Presence {
    /// An attempt that was sent at `sent` went well.
    pub(crate) fn answered(&mut self, now: Instant, sent: Instant) {
        self.shown(now);
        self.answered = Some(now);
        self.trouble = self.trouble.filter(|trouble| sent <= trouble.since);
        if let Some(trouble) = &mut self.trouble {
            trouble.in_a_row = 0;
        }
    }

    /// An attempt that was sent at `sent` failed. `is_poor` tells that no further retry can be paid for.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        sent: Instant,
        kind: &ErrorKind,
        class: Class,
        is_poor: bool,
    ) -> Outlook {
        if kind.shows_server() {
            self.shown(now);
        }
        self.is_unreached |= class == Class::Unsent;
        // Whoever takes no connection has a rule of his own, and costs nothing.
        if class == Class::Unsent || class == Class::Fatal || class.is_refusal() {
            return Outlook::Unknown;
        }
        let trouble = self.trouble.get_or_insert(Trouble {
            since: now,
            failures: 0,
            in_a_row: 0,
        });
        trouble.failures += 1;
        trouble.in_a_row += u32::from(sent > trouble.since);
        let in_a_row = if is_poor {
            trouble.failures
        } else {
            trouble.in_a_row
        };
        if self.answered.is_none_or(|at| now - at >= ANSWERED_MAX) {
            Outlook::Unknown
        } else if in_a_row > IN_A_ROW {
            Outlook::Down
        } else {
            Outlook::Failing(trouble.failures)
        }
    }

    /// Whether a call that came at `since` has waited long enough for a server that refuses everything.
    /// One that came while the server was expected back waits for its return.
    pub(crate) fn is_in_vain(&self, now: Instant, since: Instant) -> bool {
        now - since >= REFUSED_MAX && self.answered.is_none_or(|at| since - at >= ANSWERED_MAX)
    }

    /// Whether an attempt has come to no connection since the server was last heard.
    pub(crate) const fn is_unreached(&self) -> bool {
        self.is_unreached
    }

    /// Whether a call that came at `since` has waited long enough for a connection. One that came while
    /// the server was heard waits for its return.
    pub(crate) fn is_out_of_reach(&self, now: Instant, since: Instant) -> bool {
        let had_gone = self.heard.is_none_or(|at| since - at >= ANSWERED_MAX);
        self.is_unreached && had_gone && now - since >= UNREACHED_MAX
    }

    fn shown(&mut self, now: Instant) {
        self.heard = Some(now);
        self.is_unreached = false;
    }

    /// How long ago it was last known to be there.
    pub(crate) fn heard(&self, now: Instant) -> Option<Duration> {
        self.heard.map(|at| now - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::ApiError;
    use crate::platform::TransportError;

    const fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn bad_gateway() -> ErrorKind {
        ErrorKind::Status {
            status: 502,
            error: Box::new(ApiError::default()),
        }
    }

    /// What is thought after so many 502s, each sent 1 ms before it failed.
    fn outlook(presence: &mut Presence, from: u64, failures: u64, is_poor: bool) -> Outlook {
        let take = |index| {
            let (sent, now) = (at(from + 2 * index - 1), at(from + 2 * index));
            presence.failed(now, sent, &bad_gateway(), Class::Transient, is_poor)
        };
        (0..failures).map(take).last().unwrap()
    }

    fn served(now: u64) -> Presence {
        let mut presence = Presence::default();
        presence.answered(at(now), at(now));
        presence
    }

    #[test]
    fn a_server_at_which_all_calls_fail_is_down() {
        use Outlook::{Down, Failing};
        #[rustfmt::skip]
        let cases = [
            // failures in a row, none can be paid for, then
            ( 1, false, Failing(1)),
            ( 9, false, Failing(9)), // the first was sent when nothing was known
            (10, false, Down),
            ( 8, true,  Failing(8)),
            ( 9, true,  Down),
        ];
        for (failures, is_poor, expected) in cases {
            let found = outlook(&mut served(1), 10, failures, is_poor);
            assert_eq!(found, expected, "{failures}, {is_poor}");
        }
    }

    #[test]
    fn it_is_up_with_the_first_success() {
        let mut presence = served(1);
        assert_eq!(outlook(&mut presence, 10, 20, false), Outlook::Down);
        presence.answered(at(100), at(90));
        assert_eq!(outlook(&mut presence, 110, 3, false), Outlook::Failing(3));
    }

    #[test]
    fn a_success_that_was_sent_before_the_failures_says_little() {
        let mut presence = served(1);
        assert_eq!(outlook(&mut presence, 10, 20, false), Outlook::Down);
        presence.answered(at(100), at(9));
        assert_eq!(outlook(&mut presence, 110, 9, false), Outlook::Down);
        presence.answered(at(200), at(9));
        assert_eq!(outlook(&mut presence, 210, 8, false), Outlook::Failing(37));
        presence.answered(at(300), at(9));
        assert_eq!(outlook(&mut presence, 310, 1, true), Outlook::Down);
    }

    #[test]
    fn what_was_under_way_together_says_little() {
        let mut presence = served(1);
        for failures in 1..=100 {
            let found = presence.failed(at(50), at(10), &bad_gateway(), Class::Transient, false);
            assert_eq!(found, Outlook::Failing(failures));
        }
    }

    #[test]
    fn a_server_that_never_answered_or_long_ago_is_not_expected_back() {
        let after_100 = |mut presence, from| outlook(&mut presence, from, 100, true);
        assert_eq!(after_100(Presence::default(), 10), Outlook::Unknown);
        assert_eq!(after_100(served(1), 59_000), Outlook::Down);
        assert_eq!(after_100(served(1), 60_001), Outlook::Unknown);
    }

    #[test]
    fn what_the_server_says_of_one_request_does_not_count() {
        let mut presence = served(1);
        for class in [
            Class::Unsent,
            Class::Fatal,
            Class::Throttle,
            Class::Overload,
        ] {
            for _ in 0..100 {
                let found = presence.failed(at(9), at(8), &bad_gateway(), class, true);
                assert_eq!(found, Outlook::Unknown);
            }
        }
        assert_eq!(outlook(&mut presence, 10, 8, true), Outlook::Failing(8));
    }

    #[test]
    fn refusals_are_waited_out_for_so_long() {
        #[rustfmt::skip]
        let cases = [
            // last answer, the call came, now, in vain?
            (None,              0,  74_999, false),
            (None,              0,  75_000, true),
            (None,         10_000,  75_000, false),
            (Some(1_000),   2_000, 900_000, false), // it came when the server served
            (Some(1_000),  60_999, 900_000, false),
            (Some(1_000),  61_000, 900_000, true),
            (Some(80_000),      0,  81_000, false), // it serves again
        ];
        for (answered, since, now, in_vain) in cases {
            let presence = answered.map_or_else(Presence::default, served);
            let found = presence.is_in_vain(at(now), at(since));
            assert_eq!(found, in_vain, "{answered:?}, {since}, {now}");
        }
    }

    #[test]
    fn whoever_answers_or_breaks_off_was_there() {
        let mut presence = Presence::default();
        assert_eq!(presence.heard(at(5)), None);
        let refused = TransportError::Connect("x".into()).into();
        presence.failed(at(5), at(1), &refused, Class::Unsent, false);
        assert_eq!(presence.heard(at(6)), None);
        let lost = TransportError::Lost("x".into()).into();
        presence.failed(at(7), at(1), &lost, Class::UnknownOutcome, false);
        assert_eq!(presence.heard(at(9)), Some(Duration::from_millis(2)));
    }

    #[test]
    fn a_connection_is_waited_for_so_long() {
        #[rustfmt::skip]
        let cases = [
            // last sign, the call came, now, out of reach?
            (None,              0,  29_999, false),
            (None,              0,  30_000, true),
            (None,         10_000,  30_000, false),
            (Some(9_000),  69_000,  99_000, true),
            (Some(9_001),  69_000,  99_000, false), // it waits for the server's return
            (Some(9_000),       0,  99_000, false),
        ];
        for (sign, since, now, expected) in cases {
            let mut presence = sign.map_or_else(Presence::default, served);
            assert!(!presence.is_out_of_reach(at(now), at(since)));
            let kind = TransportError::Connect("ETIMEDOUT".into()).into();
            presence.failed(at(now), at(since), &kind, Class::Unsent, false);
            let found = presence.is_out_of_reach(at(now), at(since));
            assert_eq!(found, expected, "{sign:?}, {since}, {now}");
        }
    }
}
