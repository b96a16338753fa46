//! Whether, and when, a failed attempt is repeated. Pure: a table of classes and one decision.
//!
//! The caller sleeps; nothing here does. A retry is paid for (see [`crate::budget`]), unless the
//! server itself named the time, or nothing had reached it, or an adaptive limit holds all calls back
//! because it refused or is down.

mod class;

use std::time::Duration;

use crate::budget::{Budget, COST_THROTTLE, COST_TRANSIENT};
pub(crate) use class::is_refusal;
pub use class::{Class, Outlook, classify};

/// No pause without a hint is longer: twenty seconds on, the trouble is someone's to look at.
const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// The first pause after trouble is this at most, the next twice as much.
const BACKOFF_TRANSIENT: Duration = Duration::from_millis(500);

/// As much of a pause after trouble is certain. What was not well a moment ago is hardly well at once, and
/// there are few tries: those of a lone call, which nobody else's failures warn, last for more than a second.
const CERTAIN_SHARE: f64 = 0.75;

/// The first pause after a refusal is drawn from 0 to this, then from twice as much. It is short, because the
/// limit, which sees all calls, already says when the next one may go; this only keeps those that were refused
/// together apart.
const BACKOFF_THROTTLE: Duration = Duration::from_millis(250);

/// Who was not there is asked again at least this often: it costs nothing, and calls go on soon after
/// its return.
const BACKOFF_UNSENT_MAX: Duration = Duration::from_secs(2);

/// A server that was heard less than this ago is expected back: most that start anew need no longer.
/// Of one that is away for longer callers learn soon, so that they can go elsewhere.
const RETURN_MAX: Duration = Duration::from_secs(10);

/// Retries in that time where the caller names no number. Others may still be heard, on connections
/// that were there before: then time alone is no bound.
const RETRIES_RETURN: u32 = 10;

/// So many failures of others, with no success since, are no chance.
const FAILURES_OF_OTHERS: u32 = 2;

/// Servers that say "0 s" mean "soon", not "at once and all together".
const HINT_MIN: Duration = Duration::from_millis(50);

/// Calls that wait for the same hint are spread over a tenth of it, and no more than this.
pub(crate) const HINT_SPREAD_MAX: Duration = Duration::from_secs(1);

/// Retries after trouble where the caller names no number.
const RETRIES_TROUBLE: u32 = 2;

/// Retries after refusals where the caller names no number. A refusal costs the server nothing and
/// is rarely the call's own fault, so patience is cheap; the deadline bounds it as well.
const RETRIES_REFUSED: u32 = 10;

/// Retries where nobody knows what became of an attempt, whatever number the caller names: each may
/// be billed once more.
const RETRIES_UNCLEAR: u32 = 1;

/// What each call may do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries of one call, whatever for. Default: `None`, which means 2 after trouble, 10 after
    /// refusals and where others fail too, 1 where nobody knows what became of an attempt, and up to ten
    /// seconds of them where a server that answered a moment ago takes no connection.
    pub retries_max: Option<u32>,
    /// The longest wait that a server may ask for; beyond it the call fails at once. Default: 60 s.
    pub wait_max: Duration,
    /// Never repeat what the server may have carried out already. Default: `false`.
    pub at_most_once: bool,
    /// The most that the retry budget which all calls of a key share holds. Default: `None`, which
    /// means [`crate::budget::CAPACITY`], and as successes earn it, one retry for each place under
    /// the limit.
    pub budget: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries_max: None,
            wait_max: Duration::from_secs(60),
            at_most_once: false,
            budget: None,
        }
    }
}

/// What a call has tried so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    refused: u32,
    trouble: u32,
    unsent: u32,
    unknown: u32,
    dubious: u32,
    spent: u32,
}

impl Tries {
    /// What its retries have cost; given back to the budget when the call succeeds.
    pub const fn spent(&self) -> u32 {
        self.spent
    }

    /// All its retries.
    const fn all(&self) -> u32 {
        self.refused + self.trouble + self.unsent + self.unknown + self.dubious
    }
}

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The class does not allow one, or all allowed ones are used up.
    Final,
    /// The wait that is due, at the server's word or ours, is longer than the caller or the deadline
    /// allows.
    WaitTooLong,
    /// The shared retry budget is empty.
    BudgetExhausted,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Wait this long, then queue again.
    RetryAfter(Duration),
    /// Give the failure to the caller.
    Stop(Stop),
}

/// What is known when an attempt has failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// What the failure says.
    pub class: Class,
    /// How long the server asked to wait.
    pub hint: Option<Duration>,
    /// What is left until the call's deadline.
    pub remaining: Option<Duration>,
    /// How long ago the server was last heard, be it by another call.
    pub heard: Option<Duration>,
    /// What the failures of all calls say of the server.
    pub outlook: Outlook,
    /// Whether all are refused, or come to no connection, and this call has waited long enough for that to end.
    pub in_vain: bool,
    /// A draw from 0 to 1.
    pub unit: f64,
}

/// Decides on a failure.
pub fn decide(
    policy: &RetryPolicy,
    moment: Moment,
    tries: &mut Tries,
    budget: &mut Budget,
) -> Decision {
    let Moment {
        class,
        hint,
        remaining,
        heard,
        outlook,
        in_vain,
        unit,
    } = moment;
    if policy.at_most_once && !class.is_safe_to_repeat() {
        return Decision::Stop(Stop::Final);
    }
    let is_down = outlook == Outlook::Down;
    let is_held_back = class.is_refusal() || is_down;
    if in_vain && (is_held_back || class == Class::Unsent) {
        return Decision::Stop(Stop::Final);
    }
    let all = tries.all();
    let named = |otherwise| policy.retries_max.unwrap_or(otherwise);
    let (used, allowed) = match class {
        Class::Throttle | Class::Overload => (&mut tries.refused, named(RETRIES_REFUSED)),
        Class::Transient if is_down => (&mut tries.refused, named(RETRIES_REFUSED)),
        Class::Transient if others_fail(outlook, all) => {
            (&mut tries.trouble, named(RETRIES_REFUSED))
        }
        Class::Transient => (&mut tries.trouble, named(RETRIES_TROUBLE)),
        Class::Unsent if heard.is_some_and(|ago| ago < RETURN_MAX) => {
            (&mut tries.unsent, named(RETRIES_RETURN))
        }
        Class::Unsent => (&mut tries.unsent, named(RETRIES_TROUBLE)),
        Class::UnknownOutcome => (&mut tries.unknown, RETRIES_UNCLEAR),
        Class::Dubious => (&mut tries.dubious, RETRIES_UNCLEAR),
        Class::Fatal => return Decision::Stop(Stop::Final),
    };
    if *used >= allowed || policy.retries_max.is_some_and(|most| all >= most) {
        return Decision::Stop(Stop::Final);
    }
    if hint.is_some_and(|wait| wait > policy.wait_max) {
        return Decision::Stop(Stop::WaitTooLong);
    }
    let delay = hint.map_or_else(|| pause(class, *used, unit), |wait| obey(wait, unit));
    if remaining.is_some_and(|left| delay >= left) {
        return Decision::Stop(Stop::WaitTooLong);
    }
    let cost = match (hint, class) {
        // What never reached the server is no load, and a network that is away for a moment, or a gateway that
        // starts anew, fails all calls at once.
        (Some(_), _) | (None, Class::Unsent) => 0,
        _ if is_held_back && budget.refusals_are_free() => 0,
        (None, Class::Throttle) => COST_THROTTLE,
        (None, _) => COST_TRANSIENT,
    };
    if !budget.spend(cost) {
        return Decision::Stop(Stop::BudgetExhausted);
    }
    *used += 1;
    tries.spent += cost;
    Decision::RetryAfter(delay)
}

/// Whether others fail too, and nobody succeeds: then this call, which was retried so often, is hardly
/// to blame.
const fn others_fail(outlook: Outlook, retries: u32) -> bool {
    match outlook {
        Outlook::Unknown => false,
        Outlook::Failing(failures) => failures > retries + FAILURES_OF_OTHERS,
        Outlook::Down => true,
    }
}

/// A random share of an exponentially growing pause: herds spread, and grow thinner.
fn pause(class: Class, used: u32, unit: f64) -> Duration {
    let mostly_certain = CERTAIN_SHARE + (1.0 - CERTAIN_SHARE) * unit;
    let (first, longest, share) = match class {
        Class::Throttle | Class::Overload => (BACKOFF_THROTTLE, BACKOFF_MAX, unit),
        Class::Unsent => (BACKOFF_TRANSIENT, BACKOFF_UNSENT_MAX, mostly_certain),
        _ => (BACKOFF_TRANSIENT, BACKOFF_MAX, mostly_certain),
    };
    first
        .saturating_mul(1 << used.min(16))
        .min(longest)
        .mul_f64(share)
}

/// Never before the server's own time, and not all in the same moment.
fn obey(hint: Duration, unit: f64) -> Duration {
    let hint = hint.max(HINT_MIN);
    hint + (hint / 10).min(HINT_SPREAD_MAX).mul_f64(unit)
}

#[cfg(test)]
mod tests;
