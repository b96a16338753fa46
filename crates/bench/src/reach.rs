//! Whether there is a server at all. Pure.

use kneepoint_core::Instant;

use crate::record::{Class, Sample};

/// So many requests that reached nobody, and none that did, are enough to say that there is nobody: the
/// rest would find the same, and take a second each with their retries.
pub(crate) const UNREACHED_MIN: u64 = 10;

/// What is known so far.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    is_reached: bool,
    unreached: u64,
    /// When the first request failed to.
    since: Option<Instant>,
}

impl Reach {
    /// Takes in a request that has ended.
    pub(crate) fn note(&mut self, sample: &Sample, now: Instant) {
        if matches!(sample.class, Class::Network | Class::Cors) {
            self.unreached += 1;
            self.since.get_or_insert(now);
        } else {
            self.is_reached |= sample.class != Class::Aborted;
        }
    }

    /// Whether nobody is there. `oldest`: when the oldest of the requests in flight was sent. Those that
    /// were sent before the first one failed are waited for: of a thousand at once a client may be unable
    /// to send most, and the others are answered.
    pub(crate) fn is_nobody(&self, oldest: Option<Instant>) -> bool {
        let is_pending = oldest.zip(self.since).is_some_and(|(sent, at)| sent < at);
        !self.is_reached && self.unreached >= UNREACHED_MIN && !is_pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::tests::sample;

    #[test]
    fn nobody_is_there_when_ten_found_nobody_and_none_found_one() {
        let at = |s| Instant::default() + Duration::from_secs(s);
        let ten = [Class::Network; 10];
        let with = |class| [vec![class], vec![Class::Network; 20]].concat();
        #[rustfmt::skip]
        let cases = [
            // how requests ended, one a second from the fifth on; the oldest in flight; nobody
            (ten.to_vec(),                        None,    true),
            (ten[1..].to_vec(),                   None,    false),
            (vec![Class::Cors; 10],               None,    true),   // a browser does not say which
            (ten.to_vec(),                        Some(4), false),  // one was sent before, and may be answered
            (ten.to_vec(),                        Some(5), true),
            (with(Class::Ok),                     None,    false),
            (with(Class::Server),                 None,    false),  // a proxy whose server is away
            (with(Class::Timeout),                None,    false),  // slow is not away
            (with(Class::Aborted),                None,    true),
        ];
        for (index, (ended, oldest, nobody)) in cases.into_iter().enumerate() {
            let mut reach = Reach::default();
            for (second, class) in (5..).zip(ended) {
                reach.note(&Sample { class, ..sample() }, at(second));
            }
            assert_eq!(reach.is_nobody(oldest.map(at)), nobody, "case {index}");
        }
    }
}
