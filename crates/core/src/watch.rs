//! One timer for many deadlines: runs a task until a moment that may move between two tasks.
//!
//! A stream moves its idle deadline with each piece of content. Setting and clearing a timer for
//! every piece would cost more than decoding it, so a timer that fires too early is kept and set
//! anew only then.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::error::Timeout;
use crate::platform::Platform;
use crate::time::Instant;

/// A moment, and the clock that it belongs to.
pub(crate) type Deadline = (Instant, Timeout);

/// The earlier of two deadlines, of which each may be missing.
pub(crate) fn earlier(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// A timer that outlives the task it guards.
pub(crate) struct Watch<P: Platform> {
    platform: P,
    timer: Option<Timer>,
}

struct Timer {
    at: Instant,
    sleep: Pin<Box<dyn Future<Output = ()>>>,
}

impl<P: Platform> Watch<P> {
    pub(crate) const fn new(platform: P) -> Self {
        Self {
            platform,
            timer: None,
        }
    }

    /// Runs `task` to its end, or until `deadline`.
    pub(crate) async fn guard<T>(
        &mut self,
        deadline: Option<Deadline>,
        task: impl Future<Output = T>,
    ) -> Result<T, Timeout> {
        let mut task = pin!(task);
        let Some((at, timeout)) = deadline else {
            return Ok(task.await);
        };
        poll_fn(|context| {
            // The task goes first: what is there in the same moment as the deadline counts.
            if let Poll::Ready(value) = task.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            loop {
                let timer = match &mut self.timer {
                    Some(timer) if timer.at <= at => timer,
                    _ => {
                        let left = at - self.platform.now();
                        let sleep = Box::pin(self.platform.sleep(left));
                        self.timer.insert(Timer { at, sleep })
                    }
                };
                if timer.sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                let fired = timer.at;
                self.timer = None;
                if fired >= at {
                    return Poll::Ready(Err(timeout));
                }
            }
        })
        .await
    }
}
