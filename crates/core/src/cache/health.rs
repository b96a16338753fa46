//! Whether a store is to be complained of: once when it begins to fail, and not again until it has
//! served for a while.

use std::time::Duration;

use crate::time::Instant;

/// A store that serves now and then fails now and then: only after so long without a failure is the
/// next one news.
const CALM: Duration = Duration::from_secs(10);

/// What a store is used for. One may serve readers and refuse writers, as a full one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Reading,
    Writing,
}

/// How a store has fared.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// When each use last failed; none where it is well.
    failed: [Option<Instant>; 2],
}

impl Health {
    /// Notes a failure, and answers whether it is news.
    pub(crate) fn failed(&mut self, used: Use, now: Instant) -> bool {
        let is_news = self.failed == [None, None];
        self.failed[used as usize] = Some(now);
        is_news
    }

    /// Notes that it has served.
    pub(crate) fn served(&mut self, used: Use, now: Instant) {
        let failed = &mut self.failed[used as usize];
        *failed = failed.filter(|at| now - *at < CALM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn an_outage_is_told_once_however_long_it_lasts() {
        let mut health = Health::default();
        assert!(health.failed(Use::Reading, at(0)));
        assert!(!health.failed(Use::Writing, at(0)));
        assert!(!health.failed(Use::Reading, at(3600)));
    }

    #[test]
    fn the_next_one_is_told_after_it_has_served_for_a_while() {
        let mut health = Health::default();
        health.failed(Use::Reading, at(0));
        health.served(Use::Reading, at(9));
        assert!(!health.failed(Use::Reading, at(9)));
        health.served(Use::Reading, at(19));
        assert!(health.failed(Use::Reading, at(19)));
    }

    #[test]
    fn serving_readers_does_not_excuse_refusing_writers() {
        let mut health = Health::default();
        assert!(health.failed(Use::Writing, at(0)));
        health.served(Use::Reading, at(60));
        assert!(!health.failed(Use::Writing, at(60)));
    }
}
