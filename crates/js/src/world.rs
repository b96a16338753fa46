//! The module's one world: its tasks, its clock, and the exchanges under way.
//!
//! Everything that JavaScript calls leads here, is noted, and lets the tasks run until all of them
//! wait again.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use kneepoint_core::decode::{FinishReason, Usage};
use kneepoint_core::platform::clock::Clock;
use kneepoint_core::platform::executor::{Executor, Polled};
use kneepoint_core::platform::web::{Runtime, Stage, judge};
use kneepoint_core::platform::{Plain, TransportError};
use kneepoint_core::{Connection, Handle, Head, Instant};
use wasm_bindgen::prelude::*;

use crate::host::Host;

thread_local! {
    static WORLD: World = World::default();
}

/// The world. wasm has one thread, and each instance of the module one world.
#[derive(Default)]
struct World {
    host: OnceCell<Host>,
    executor: Executor,
    now: Cell<Instant>,
    /// Stands where the host's timer was heard the last time. Were it to go on with all that comes, the
    /// head of a reply would be the end of a deadline that the rest of it may have met as well.
    clock: Rc<Clock>,
    /// For when the host's timer is set.
    alarm: Cell<Option<Instant>>,
    /// Who waits for the event loop to go round.
    turning: RefCell<Vec<Waker>>,
    turns: Cell<u64>,
    exchanges: RefCell<Vec<Option<Exchange>>>,
    free: RefCell<Vec<u32>>,
    running: Cell<bool>,
}

/// What has arrived of one reply and was not asked for yet.
pub(crate) struct Exchange {
    opaque: bool,
    /// Its head has come.
    is_begun: bool,
    head: Option<Head>,
    chunks: VecDeque<Vec<u8>>,
    /// The whole body was read outside and is what it should be.
    plain: Option<Plain>,
    /// Nothing will follow: the body's end, or what cut it short.
    over: Option<Result<(), TransportError>>,
    /// A chunk was asked for and has not come yet.
    pub(crate) is_awaited: bool,
    waker: Option<Waker>,
}

impl World {
    fn host(&self) -> &Host {
        self.host
            .get()
            .expect("start is called before anything else")
    }

    fn read_time(&self) -> Instant {
        let read = Instant::from_micros((self.host().now() * 1000.0) as u64);
        self.now.set(self.now.get().max(read));
        self.now.get()
    }

    /// Runs whatever is ready, then sees to it that the host's timer fits the first of ours.
    fn run(&self) {
        if self.running.replace(true) {
            return;
        }
        while !matches!(self.executor.poll_next(), Polled::Nothing) {}
        self.running.set(false);
        let first = self.clock.first();
        // A timer that fires too early does no harm, and setting one costs more than that.
        let fits = match (first, self.alarm.get()) {
            (None, None) => true,
            (Some(first), Some(set)) => set <= first,
            _ => false,
        };
        if !fits {
            self.set_alarm(first);
        }
    }

    fn set_alarm(&self, first: Option<Instant>) {
        self.alarm.set(first);
        let millis = first.map_or(-1.0, |first| {
            (first - self.now.get()).as_micros() as f64 / 1000.0
        });
        self.host().alarm(millis);
    }

    fn with_exchange(&self, id: u32, change: impl FnOnce(&mut Exchange)) {
        self.read_time();
        let waker = {
            let mut exchanges = self.exchanges.borrow_mut();
            let Some(Some(exchange)) = exchanges.get_mut(id as usize) else {
                return;
            };
            change(exchange);
            if !exchange.is_news() {
                return;
            }
            exchange.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        self.run();
    }
}

/// The time at which JavaScript called: what runs until it has its answer happens at once.
pub(crate) fn now() -> Instant {
    WORLD.with(|world| world.now.get())
}

/// Reads the time. Calls from JavaScript that may set or meet a deadline begin with it.
pub(crate) fn enter() {
    WORLD.with(|world| _ = world.read_time());
}

/// Adds a task and answers its place. It runs with the next call of [`run`].
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) -> u32 {
    WORLD.with(|world| world.executor.spawn(Box::pin(task)) as u32)
}

/// Runs whatever is ready. Every call from JavaScript ends with it.
pub(crate) fn run() {
    WORLD.with(World::run);
}

/// Waits until `at`.
pub(crate) fn sleep_until(at: Instant) -> impl Future<Output = ()> {
    WORLD.with(|world| world.clock.sleep_until(at))
}

/// Waits until the event loop has gone round.
pub(crate) fn turn() -> impl Future<Output = ()> {
    let from = WORLD.with(|world| world.turns.get());
    std::future::poll_fn(move |context| {
        WORLD.with(|world| {
            if world.turns.get() != from {
                return Poll::Ready(());
            }
            let mut turning = world.turning.borrow_mut();
            if turning.is_empty() {
                world.host().turn();
            }
            turning.push(context.waker().clone());
            Poll::Pending
        })
    })
}

/// Makes room for an exchange, and answers its id.
pub(crate) fn open(opaque: bool) -> u32 {
    let exchange = Exchange {
        opaque,
        is_begun: false,
        head: None,
        chunks: VecDeque::new(),
        plain: None,
        over: None,
        is_awaited: false,
        waker: None,
    };
    WORLD.with(|world| {
        let mut exchanges = world.exchanges.borrow_mut();
        if let Some(id) = world.free.borrow_mut().pop() {
            exchanges[id as usize] = Some(exchange);
            return id;
        }
        exchanges.push(Some(exchange));
        exchanges.len() as u32 - 1
    })
}

/// Forgets an exchange. Whatever may still come for it is ignored.
pub(crate) fn close(id: u32) {
    WORLD.with(|world| {
        world.exchanges.borrow_mut()[id as usize] = None;
        world.free.borrow_mut().push(id);
    });
}

/// Waits for something of an exchange.
pub(crate) async fn wait<T>(id: u32, mut take: impl FnMut(&mut Exchange) -> Option<T>) -> T {
    std::future::poll_fn(move |context| {
        WORLD.with(|world| {
            let mut exchanges = world.exchanges.borrow_mut();
            let exchange = exchanges[id as usize]
                .as_mut()
                .expect("an exchange is closed by whoever waits for it");
            if let Some(found) = take(exchange) {
                return Poll::Ready(found);
            }
            exchange.waker = Some(context.waker().clone());
            Poll::Pending
        })
    })
    .await
}

impl Exchange {
    /// Whether there is anything for who waits: not before the head, unless there will be none.
    const fn is_news(&self) -> bool {
        self.is_begun || self.over.is_some()
    }

    /// The head, or why there is none.
    pub(crate) fn take_head(&mut self) -> Option<Result<Head, TransportError>> {
        if let Some(head) = self.head.take() {
            return Some(Ok(head));
        }
        match &self.over {
            Some(Err(error)) => Some(Err(error.clone())),
            // A reply without a head is none.
            Some(Ok(())) => Some(Err(TransportError::Lost("no answer came".to_owned()))),
            None => None,
        }
    }

    /// What is known of a whole body; none where it comes in chunks.
    pub(crate) fn take_plain(&mut self) -> Option<Result<Option<Plain>, TransportError>> {
        if let Some(plain) = self.plain.take() {
            return Some(Ok(Some(plain)));
        }
        match &self.over {
            Some(Err(error)) => Some(Err(error.clone())),
            over => (over.is_some() || !self.chunks.is_empty()).then_some(Ok(None)),
        }
    }

    /// The next chunk, or the end.
    pub(crate) fn take_chunk(&mut self) -> Option<Result<Option<Vec<u8>>, TransportError>> {
        if let Some(chunk) = self.chunks.pop_front() {
            return Some(Ok(Some(chunk)));
        }
        self.over.clone().map(|over| over.map(|()| None))
    }
}

/// Hands the runtime in. Once, before anything else.
#[wasm_bindgen]
pub fn start(host: Host) {
    WORLD.with(|world| {
        let _ = world.host.set(host);
    });
}

/// The host's timer has fired.
#[wasm_bindgen]
pub fn tick() {
    WORLD.with(|world| {
        world.alarm.set(None);
        let now = world.read_time();
        world.clock.jump(now);
        while world.clock.fire_next(now) {}
        world.run();
    });
}

/// The event loop has gone round.
#[wasm_bindgen]
pub fn turned() {
    WORLD.with(|world| {
        world.read_time();
        world.turns.set(world.turns.get() + 1);
        let turning = world.turning.take();
        turning.into_iter().for_each(Waker::wake);
        world.run();
    });
}

/// Lets a task look again, such as a stream whose next piece is wanted.
#[wasm_bindgen]
pub fn wake(task: u32) {
    WORLD.with(|world| {
        world.read_time();
        world.executor.wake(task as usize);
        world.run();
    });
}

/// Takes a task back, with everything that it holds. What waited for that goes on with [`proceed`]: of
/// many tasks that are taken back one by one, none may begin to send in the place of the one before.
#[wasm_bindgen]
pub fn cancel(task: u32) {
    WORLD.with(|world| {
        world.read_time();
        world.executor.cancel(task as usize);
    });
}

/// Lets go on what waited for tasks that were taken back.
#[wasm_bindgen]
pub fn proceed() {
    WORLD.with(|world| {
        world.read_time();
        world.run();
    });
}

/// The head of a reply. `headers` holds names and values, a line each: those that steer us. `way` is
/// what is known of its connection: 1 if it is new, 2 if it had served before, and 4 for HTTP/1.1, 8 for
/// HTTP/2. `waited`: so many milliseconds the request waited for it. `reply` is handed through to the caller.
#[wasm_bindgen]
pub fn head(id: u32, status: u16, headers: &str, way: u8, waited: f64, reply: JsValue) {
    let mut lines = headers.lines();
    let pairs = std::iter::from_fn(|| lines.next().zip(lines.next()));
    let head = Head {
        handle: Some(Handle::new(reply)),
        connection: Connection {
            reused: (way & 3 != 0).then_some(way & 3 == 2),
            protocol: match way >> 2 {
                1 => Some("http/1.1"),
                2 => Some("h2"),
                _ => None,
            },
            waited: Duration::from_micros((1e3 * waited) as u64),
        },
        ..Head::new(status, pairs.collect())
    };
    WORLD.with(|world| {
        world.with_exchange(id, |exchange| {
            exchange.is_begun = true;
            exchange.head = Some(head);
        });
    });
}

/// A chunk of a reply's body.
#[wasm_bindgen]
pub fn chunk(id: u32, bytes: Vec<u8>) {
    WORLD.with(|world| {
        world.with_exchange(id, |exchange| {
            exchange.is_awaited = false;
            exchange.chunks.push_back(bytes);
        });
    });
}

/// The whole of a reply's body, of so many bytes, is what it should be, and used so many tokens of the
/// prompt, of the answer and of a cache; NaN where it does not say. `finish` is why it ended, by the
/// numbers that `FINISH` in `reply.ts` has names for; 0 where that is not told. It may come just before
/// its head, and both are looked at together.
#[wasm_bindgen]
pub fn plain(id: u32, bytes: u32, input: f64, output: f64, cached: f64, finish: u8) {
    let count = |tokens: f64| (tokens >= 0.0).then_some(tokens as u64);
    let plain = Plain {
        bytes: bytes as usize,
        usage: Usage {
            input: count(input),
            output: count(output),
            cached: count(cached),
            ..Usage::default()
        },
        finish: match finish {
            1 => Some(FinishReason::Stop),
            2 => Some(FinishReason::Length),
            3 => Some(FinishReason::ToolCalls),
            4 => Some(FinishReason::ContentFilter),
            _ => None,
        },
    };
    WORLD.with(|world| world.with_exchange(id, |exchange| exchange.plain = Some(plain)));
}

/// The end of a reply's body.
#[wasm_bindgen]
pub fn end(id: u32) {
    WORLD.with(|world| world.with_exchange(id, |exchange| exchange.over = Some(Ok(()))));
}

/// An exchange failed. `codes` are those of the error and its causes, a line each.
#[wasm_bindgen]
pub fn fail(id: u32, in_body: bool, codes: &str, text: String) {
    WORLD.with(|world| {
        world.with_exchange(id, |exchange| {
            let stage = if in_body { Stage::Body } else { Stage::Head };
            let runtime = if exchange.opaque {
                Runtime::Browser
            } else {
                Runtime::Server
            };
            let error = judge(codes.lines(), text, stage, runtime);
            exchange.over = Some(Err(error));
        });
    });
}

/// The server answered with a redirect, which is not followed.
#[wasm_bindgen]
pub fn redirected(id: u32) {
    WORLD.with(|world| {
        world.with_exchange(id, |exchange| {
            exchange.over = Some(Err(TransportError::Redirected));
        });
    });
}
