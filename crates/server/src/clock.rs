//! The one place that asks what time it is.
//!
//! Everything that decides (limits, batching, pacing) takes `now` as a [`Duration`] since the
//! process started; only the code at the sockets calls these functions.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

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
