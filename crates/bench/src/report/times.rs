//! The times of a rung by their names: the one list of them, for tables, thresholds and files.

use super::{Metric, Rung};

/// Times of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// What they are called wherever they are written or asked for.
    pub name: &'static str,
    /// What they are, in a few words.
    pub meaning: &'static str,
    of: fn(&Rung) -> Option<&Metric>,
}

/// All that a rung has, in the order in which they are shown.
pub const TIMES: [Times; 7] = [
    Times::new("ttft", "to the first token", |rung| rung.ttft.as_ref()),
    Times::new("ttfv", "to the first visible one", |rung| {
        rung.ttfv.as_ref()
    }),
    Times::new("tpot", "per token after it", |rung| rung.tpot.as_ref()),
    Times::new("icl", "between chunks", |rung| rung.icl.as_ref()),
    Times::new("e2e", "whole answer", |rung| rung.e2e.as_ref()),
    Times::new("queue", "due until sent", |rung| rung.queue.as_ref()),
    Times::new("e2e_sched", "whole answer from when due", |rung| {
        rung.e2e_sched.as_ref()
    }),
];

impl Times {
    const fn new(
        name: &'static str,
        meaning: &'static str,
        of: fn(&Rung) -> Option<&Metric>,
    ) -> Self {
        Self { name, meaning, of }
    }

    /// Those of this name, if there are any.
    pub fn named(name: &str) -> Option<Self> {
        TIMES.into_iter().find(|times| times.name == name)
    }

    /// A rung's; none where it has none of them.
    pub fn of(self, rung: &Rung) -> Option<&Metric> {
        (self.of)(rung)
    }
}

impl PartialEq for Times {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
