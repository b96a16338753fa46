//! Many calls as one: bounded, in order or as they finish, each with its own outcome.

use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, Stream};
use futures_util::{FutureExt, StreamExt};

use crate::client::Client;
use crate::error::Error;
use crate::platform::Platform;
use crate::reply::Reply;
use crate::request::Request;

/// In which order results come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As the requests were given. A slow call holds back the results behind it.
    #[default]
    AsGiven,
    /// As they finish.
    AsFinished,
}

/// How a batch runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// Calls that are begun and not yet handed out, at least 1. Below this, the client's own limit
    /// decides how many are sent at once. Default: 1000.
    pub open_max: usize,
    /// Default: as given.
    pub order: Order,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            open_max: 1000,
            order: Order::default(),
        }
    }
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Calls begun.
    pub begun: usize,
    /// Calls that succeeded.
    pub succeeded: usize,
    /// Calls that failed.
    pub failed: usize,
}

/// One call's place in the batch, and its outcome.
pub type BatchItem = (usize, Result<Reply, Error>);

/// A batch under way: a stream of results. Dropping it takes back all calls that are under way
/// and begins no more.
pub struct Batch {
    /// Makes the next call, while there is one.
    next: Box<dyn FnMut() -> Option<Call>>,
    calls: FuturesUnordered<Call>,
    options: BatchOptions,
    /// Calls begun and not yet handed out.
    open: usize,
    /// Results handed out.
    handed_out: usize,
    /// Where the order matters: the results behind those, as far as they are known.
    known: VecDeque<Option<Result<Reply, Error>>>,
    progress: Rc<Cell<Progress>>,
}

type Call = LocalBoxFuture<'static, BatchItem>;

impl Batch {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress.get()
    }

    /// Waits for all of them: the outcomes in the order of the requests.
    pub async fn settled(mut self) -> Vec<Result<Reply, Error>> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await {
            items.push(item);
        }
        items.sort_by_key(|(index, _)| *index);
        items.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

impl Stream for Batch {
    type Item = BatchItem;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<BatchItem>> {
        let this = &mut *self;
        while this.open < this.options.open_max.max(1) {
            let Some(call) = (this.next)() else { break };
            this.calls.push(call);
            this.open += 1;
        }
        let item = loop {
            if let Some(Some(_)) = this.known.front() {
                let outcome = this.known.pop_front().flatten();
                break outcome.map(|outcome| (this.handed_out, outcome));
            }
            let item = ready!(this.calls.poll_next_unpin(context));
            match (item, this.options.order) {
                (Some((index, outcome)), Order::AsGiven) => {
                    let place = index - this.handed_out;
                    if this.known.len() <= place {
                        this.known.resize_with(place + 1, || None);
                    }
                    this.known[place] = Some(outcome);
                }
                (item, _) => break item,
            }
        };
        if item.is_some() {
            this.open -= 1;
            this.handed_out += 1;
        }
        Poll::Ready(item)
    }
}

impl<P: Platform> Client<P> {
    /// Sends all `requests`, which are taken from their iterator only when their turn comes.
    pub fn batch<I>(&self, requests: I, options: BatchOptions) -> Batch
    where
        I: IntoIterator<Item = Request>,
        I::IntoIter: 'static,
    {
        let progress = Rc::new(Cell::new(Progress::default()));
        let (client, shared) = (self.clone(), progress.clone());
        let mut requests = requests.into_iter().enumerate().fuse();
        let next = move || {
            let (index, request) = requests.next()?;
            let (client, progress) = (client.clone(), shared.clone());
            let call = async move {
                update(&progress, |progress| progress.begun += 1);
                let outcome = client.send(request).await;
                update(&progress, |progress| match outcome {
                    Ok(_) => progress.succeeded += 1,
                    Err(_) => progress.failed += 1,
                });
                (index, outcome)
            };
            Some(call.boxed_local())
        };
        Batch {
            next: Box::new(next),
            calls: FuturesUnordered::new(),
            options,
            open: 0,
            handed_out: 0,
            known: VecDeque::new(),
            progress,
        }
    }
}

fn update(progress: &Cell<Progress>, change: impl FnOnce(&mut Progress)) {
    let mut now = progress.get();
    change(&mut now);
    progress.set(now);
}
