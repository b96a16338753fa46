//! The one place that asks what time it is.
//!
//! Everything that decides (limits, batching, pacing) takes `now` as a [`Duration`] since the
//! process started; only the code at the sockets calls these functions.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use tokio::time::Sleep;

/// The origin of this process's clock.
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(instant_now)
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the door that the lint points to"
)]
fn instant_now() -> Instant {
    Instant::now()
}

/// Time since the first call, which `main` makes at once. Never goes backwards.
pub(crate) fn now() -> Duration {
    let start = start();
    instant_now().saturating_duration_since(start)
}

/// Wall clock, for headers that carry a date.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the door that the lint points to"
)]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970, for `created` fields.
pub(crate) fn unix_s() -> u64 {
    wall()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The instant at which `due` (on this clock) is reached, as tokio's timers want it.
pub(crate) fn instant(due: Duration) -> tokio::time::Instant {
    tokio::time::Instant::from_std(start()) + due
}

/// Sleeps until `due`; a time in the past returns at once. Granularity: tokio's 1 ms.
pub(crate) async fn sleep_until(due: Duration) {
    tokio::time::sleep_until(instant(due)).await;
}

/// Sleeps for `pause`.
pub(crate) async fn sleep(pause: Duration) {
    tokio::time::sleep(pause).await;
}

/// A timer that is made when first needed and then used again.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

/// tokio's timer rounds up to its next millisecond, so it is set half of one early: it then fires
/// around the due time, not after it.
const EARLY: Duration = Duration::from_micros(500);

impl Alarm {
    /// Ready once the process's clock has reached `due`, within half a millisecond.
    pub(crate) fn poll_due(&mut self, context: &mut Context<'_>, due: Duration) -> Poll<()> {
        let due = due.saturating_sub(EARLY);
        if due <= now() {
            return Poll::Ready(());
        }
        let deadline = instant(due);
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(context)
    }
}
