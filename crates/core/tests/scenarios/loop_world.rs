//! The simulated world with two traits of a real one: its event loop has to go round when asked to,
//! and it notes when bodies are closed.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use kneepoint_core::platform::sim::{Sim, SimBody};
use kneepoint_core::platform::{Body, Platform, TransportError};
use kneepoint_core::{AttemptRecord, Head, HttpRequest, Instant, Observer, Record};

/// What happened, in order.
pub(crate) type Log = Rc<RefCell<Vec<&'static str>>>;

#[derive(Clone)]
pub(crate) struct LoopWorld {
    pub(crate) sim: Sim,
    pub(crate) log: Log,
}

pub(crate) struct NotedBody {
    body: SimBody,
    log: Log,
}

impl Drop for NotedBody {
    fn drop(&mut self) {
        self.log.borrow_mut().push("closed");
    }
}

impl Body for NotedBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        self.body.chunk().await
    }
}

/// Notes when it is told of an attempt.
pub(crate) struct Told(pub(crate) Log);

impl Observer for Told {
    fn attempt(&self, _: &Record, _: &AttemptRecord) {
        self.0.borrow_mut().push("told");
    }

    fn call(&self, _: &Record) {}
}

impl Platform for LoopWorld {
    type Body = NotedBody;

    fn now(&self) -> Instant {
        self.sim.now()
    }

    fn unix_time(&self) -> Duration {
        self.sim.unix_time()
    }

    fn random(&self) -> f64 {
        self.sim.random()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.sim.sleep(duration)
    }

    fn turn(&self) -> impl Future<Output = ()> + 'static {
        let mut gone_round = false;
        poll_fn(move |context| {
            if std::mem::replace(&mut gone_round, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<(Head, NotedBody), TransportError>> + 'static {
        let (reply, log) = (self.sim.fetch(request), self.log.clone());
        async move {
            reply
                .await
                .map(|(head, body)| (head, NotedBody { body, log }))
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.sim.spawn(task);
    }
}
