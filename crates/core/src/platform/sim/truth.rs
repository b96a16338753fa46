//! What a simulated server knows, so that a test can ask the one who cannot be fooled.

use std::cell::RefCell;
use std::rc::Rc;

use crate::http::HttpRequest;
use crate::platform::clock::Clock;
use crate::time::Instant;

/// How many requests are kept in full, unless the test asks for another number. All are counted.
const KEPT: usize = 10_000;

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it was sent.
    pub at: Instant,
    /// The request itself.
    pub request: HttpRequest,
    /// The status it was answered with, once that was decided.
    pub status: Option<u16>,
    /// When the client gave it up, if it did.
    pub aborted: Option<Instant>,
}

/// The server's counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were sent to it.
    pub requests: u64,
    /// Those it took on.
    pub accepted: u64,
    /// Those it refused for its load: 429, 503 and 529.
    pub rejected: u64,
    /// Those whose reply reached its end, or the end that the script gave it.
    pub completed: u64,
    /// Those that the client gave up before the end.
    pub aborted: u64,
    /// Requests that it works on now.
    pub in_flight: u32,
    /// The most it ever worked on at once.
    pub in_flight_max: u32,
}

/// The books of one server.
#[derive(Debug)]
pub(super) struct Books {
    counts: Counts,
    kept: usize,
    requests: Vec<Seen>,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            kept: KEPT,
            requests: Vec::new(),
        }
    }
}

pub(super) type SharedBooks = Rc<RefCell<Books>>;

/// One request on its way through the server. Dropped before its end, it counts as given up.
pub(super) struct Exchange {
    clock: Rc<Clock>,
    books: SharedBooks,
    index: Option<usize>,
    in_flight: bool,
    ended: bool,
}

impl Exchange {
    pub(super) fn open(clock: &Rc<Clock>, books: &SharedBooks, request: &HttpRequest) -> Self {
        let mut open = books.borrow_mut();
        open.counts.requests += 1;
        let index = (open.requests.len() < open.kept).then(|| {
            let request = request.clone();
            open.requests.push(Seen {
                at: clock.now(),
                request,
                status: None,
                aborted: None,
            });
            open.requests.len() - 1
        });
        drop(open);
        let (clock, books) = (Rc::clone(clock), Rc::clone(books));
        Self {
            clock,
            books,
            index,
            in_flight: false,
            ended: false,
        }
    }

    /// The server decided how to answer.
    pub(super) fn decided(&mut self, status: u16) {
        let mut books = self.books.borrow_mut();
        if matches!(status, 429 | 503 | 529) {
            books.counts.rejected += 1;
        } else {
            books.counts.accepted += 1;
        }
        if let Some(index) = self.index {
            books.requests[index].status = Some(status);
        }
    }

    /// The server begins to work on it.
    pub(super) fn begin(&mut self) {
        self.in_flight = true;
        let counts = &mut self.books.borrow_mut().counts;
        counts.in_flight += 1;
        counts.in_flight_max = counts.in_flight_max.max(counts.in_flight);
    }

    /// The server has done its part.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.in_flight) {
            self.books.borrow_mut().counts.in_flight -= 1;
        }
    }

    /// The client has seen the end.
    pub(super) fn end(&mut self) {
        self.finish();
        if !std::mem::replace(&mut self.ended, true) {
            self.books.borrow_mut().counts.completed += 1;
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.finish();
        if !self.ended {
            let mut books = self.books.borrow_mut();
            books.counts.aborted += 1;
            if let Some(index) = self.index {
                books.requests[index].aborted = Some(self.clock.now());
            }
        }
    }
}

/// A test's view of one server's books.
#[derive(Clone)]
pub struct Truth(pub(super) SharedBooks);

impl Truth {
    /// All counts as they stand.
    pub fn counts(&self) -> Counts {
        self.0.borrow().counts
    }

    /// The first requests in full, in the order in which they were sent.
    pub fn requests(&self) -> Vec<Seen> {
        self.0.borrow().requests.clone()
    }

    /// Keeps the first `count` requests in full. Default 10,000.
    pub fn keep_requests(&self, count: usize) {
        self.0.borrow_mut().kept = count;
    }
}
