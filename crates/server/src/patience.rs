//! How long a connection waits for a request's head: one timer for each connection.
//!
//! hyper asks for a new timer with every request, and lets it go when the head is there. Setting and
//! taking back a real one is a good part of what a small answer costs, and all but the last of them
//! never fire. So the real one is left where it is, and set anew only when it fires too early.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The timers of one connection, whose waits are polled by one task.
#[derive(Clone, Default)]
pub(crate) struct Patience(Arc<Mutex<Option<Alarm>>>);

type Alarm = Pin<Box<tokio::time::Sleep>>;

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait {
            patience: self.clone(),
            deadline,
        })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// One of the waits.
struct Wait {
    patience: Patience,
    deadline: Instant,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = tokio::time::Instant::from_std(self.deadline);
        let alarm = self.patience.0.lock();
        let mut alarm = alarm.unwrap_or_else(PoisonError::into_inner);
        let alarm = match &mut *alarm {
            // It wakes the task that polls all waits, which then looks again.
            Some(alarm) if !alarm.is_elapsed() && alarm.deadline() <= deadline => {
                return Poll::Pending;
            }
            Some(alarm) => {
                alarm.as_mut().reset(deadline);
                alarm
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(deadline))),
        };
        alarm.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Polls a wait with a waker that does nothing.
    fn is_over(wait: &mut Pin<Box<dyn Sleep>>) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        wait.as_mut().poll(&mut context).is_ready()
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_over_at_its_deadline_and_no_sooner() {
        let patience = Patience::default();
        let began = patience.now();
        patience.sleep(MINUTE).await;
        assert_eq!(patience.now() - began, MINUTE);
        // The alarm has fired: a new wait sets it again.
        patience.sleep(2 * MINUTE).await;
        assert_eq!(patience.now() - began, 3 * MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_that_were_let_go_leave_the_last_one_its_whole_time() {
        let patience = Patience::default();
        let began = patience.now();
        for _ in 0..10 {
            assert!(!is_over(&mut patience.sleep(MINUTE)));
            tokio::time::advance(MINUTE / 2).await;
        }
        patience.sleep(MINUTE).await;
        assert_eq!(patience.now() - began, 6 * MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_wait_is_not_kept_waiting_by_a_longer_one() {
        let patience = Patience::default();
        assert!(!is_over(&mut patience.sleep(10 * MINUTE)));
        let began = patience.now();
        patience.sleep(MINUTE).await;
        assert_eq!(patience.now() - began, MINUTE);
    }
}
