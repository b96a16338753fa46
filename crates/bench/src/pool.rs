//! Requests in flight, slots that rest, and a watch on the client itself.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, LocalBoxFuture, poll_fn};
use futures_util::stream::FuturesUnordered;
use kneepoint_core::platform::Platform;
use kneepoint_core::{Instant, Prompt};

use crate::outcome::Job;
use crate::send::{Landing, Sender};

/// How often the client looks how late its timers are.
const LAG_EVERY: Duration = Duration::from_millis(50);

/// So many lags are kept, the newest: those of three minutes.
const LAGS_MAX: usize = 4096;

/// Something that ended.
pub(crate) enum Event {
    Landed(Box<Landing>),
    /// A slot has rested.
    Rested(u32),
}

/// What the client observed about itself.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) lags_ms: Vec<f64>,
    pub(crate) busy: Duration,
}

/// A request in flight.
struct Sent {
    id: u64,
    at: Instant,
    handle: AbortHandle,
}

/// Everything under way.
pub(crate) struct Pool<P: Platform> {
    platform: P,
    sender: Rc<Sender<P>>,
    under_way: FuturesUnordered<LocalBoxFuture<'static, Event>>,
    /// In the order in which they were sent.
    in_flight: Vec<Sent>,
    in_flight_max: u32,
    resting: u32,
    timer: Option<(Instant, LocalBoxFuture<'static, ()>)>,
    next_lag: Instant,
    looks: usize,
    watch: Watch,
}

impl<P: Platform> Pool<P> {
    /// Nothing is under way.
    pub(crate) fn new(platform: &P, sender: Rc<Sender<P>>) -> Self {
        Self {
            platform: platform.clone(),
            sender,
            under_way: FuturesUnordered::new(),
            in_flight: Vec::new(),
            in_flight_max: 0,
            resting: 0,
            timer: None,
            next_lag: platform.now() + LAG_EVERY,
            looks: 0,
            watch: Watch::default(),
        }
    }

    /// Requests in flight.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.len() as u32
    }

    /// The most that there were at once since this was asked last.
    pub(crate) fn take_in_flight_max(&mut self) -> u32 {
        let now = self.in_flight();
        std::mem::replace(&mut self.in_flight_max, now)
    }

    /// Slots that rest.
    pub(crate) const fn resting(&self) -> u32 {
        self.resting
    }

    /// When each of the requests in flight was sent.
    pub(crate) fn started(&self) -> impl Iterator<Item = Instant> + '_ {
        self.in_flight.iter().map(|sent| sent.at)
    }

    /// What the client observed about itself since this was asked last.
    pub(crate) fn take_watch(&mut self) -> Watch {
        // After a standstill answers may be read before timers are looked at: the one that is overdue
        // belongs to the time that it was set in.
        self.look(self.next_lag);
        self.looks = 0;
        std::mem::take(&mut self.watch)
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, job: Job, prompt: Prompt) {
        let (handle, registration) = AbortHandle::new_pair();
        self.in_flight.push(Sent {
            id: job.id,
            at: self.platform.now(),
            handle,
        });
        self.in_flight_max = self.in_flight_max.max(self.in_flight());
        let sender = self.sender.clone();
        self.under_way.push(Box::pin(async move {
            Event::Landed(Box::new(sender.send(job, prompt, registration).await))
        }));
    }

    /// Lets a slot rest.
    pub(crate) fn rest(&mut self, slot: u32, duration: Duration) {
        self.resting += 1;
        let sleep = self.platform.sleep(duration);
        self.under_way.push(Box::pin(async move {
            sleep.await;
            Event::Rested(slot)
        }));
    }

    /// Takes all requests back that are in flight; each lands as aborted.
    pub(crate) fn abort_all(&self) {
        for sent in &self.in_flight {
            sent.handle.abort();
        }
    }

    /// The next thing that ends, or none once it is `until`, or earlier now and then so that the
    /// caller may look around.
    pub(crate) async fn next(&mut self, until: Instant) -> Option<Event> {
        let due = until.min(self.next_lag);
        if self.timer.as_ref().is_none_or(|(at, _)| *at != due) {
            let sleep = self.platform.sleep(due - self.platform.now());
            self.timer = Some((due, Box::pin(sleep)));
        }
        let event = {
            let (platform, under_way, busy) =
                (&self.platform, &mut self.under_way, &mut self.watch.busy);
            let timer = &mut self.timer;
            // The timer first: else a flood of answers would keep it from ever being seen.
            poll_fn(move |context| {
                if let Some((_, sleep)) = timer
                    && Pin::new(sleep).poll(context).is_ready()
                {
                    *timer = None;
                    return Poll::Ready(None);
                }
                if under_way.is_empty() {
                    return Poll::Pending;
                }
                let began = platform.now();
                let polled = under_way.poll_next_unpin(context);
                *busy += platform.now() - began;
                match polled {
                    Poll::Ready(Some(event)) => Poll::Ready(Some(event)),
                    Poll::Ready(None) | Poll::Pending => Poll::Pending,
                }
            })
            .await
        };
        match &event {
            Some(Event::Landed(landing)) => {
                // Ids are counted up, so they are in order.
                let found = self
                    .in_flight
                    .binary_search_by_key(&landing.job.id, |sent| sent.id);
                if let Ok(index) = found {
                    self.in_flight.remove(index);
                }
            }
            Some(Event::Rested(_)) => self.resting -= 1,
            None => self.look(due),
        }
        event
    }

    /// Notes how late the timer was, if it was set for that and is due.
    fn look(&mut self, due: Instant) {
        let now = self.platform.now();
        if due < self.next_lag || now < due {
            return;
        }
        let lag_ms = (now - due).as_secs_f64() * 1000.0;
        let lags = &mut self.watch.lags_ms;
        match lags.get_mut(self.looks % LAGS_MAX) {
            Some(oldest) => *oldest = lag_ms,
            None => lags.push(lag_ms),
        }
        self.looks += 1;
        self.next_lag = now + LAG_EVERY;
    }
}
