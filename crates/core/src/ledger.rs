//! Who holds the pen: a call's record is written from several places, and settled exactly once.

use std::cell::RefCell;
use std::rc::Rc;

use crate::decode::Usage;
use crate::platform::Platform;
use crate::record::{AttemptRecord, Record};
use crate::retry::Class;
use crate::time::Instant;

/// Told of every attempt and every call when it is over. It sees copies, so it may do anything,
/// aborting calls included.
pub trait Observer {
    /// An attempt is over. It lies in `record.attempts`, as the last of them unless hedged.
    fn attempt(&self, record: &Record, attempt: &AttemptRecord);

    /// A call is settled.
    fn call(&self, record: &Record);
}

/// One attempt's pen.
pub(crate) struct Journal {
    record: Rc<RefCell<Record>>,
    index: usize,
    observer: Option<Rc<dyn Observer>>,
}

impl Journal {
    /// Changes the attempt's record.
    pub(crate) fn note(&self, change: impl FnOnce(&mut AttemptRecord)) {
        change(&mut self.record.borrow_mut().attempts[self.index]);
    }

    /// Notes what the server says it used, for the whole call.
    pub(crate) fn used(&self, usage: Usage) {
        self.record.borrow_mut().usage = Some(usage);
    }

    /// Closes the attempt's record; `error` names the kind of its failure.
    pub(crate) fn end(&self, now: Instant, error: Option<&'static str>) {
        self.note(|attempt| {
            attempt.end = Some(now);
            attempt.error = error;
        });
        if let Some(observer) = &self.observer {
            let record = self.record.borrow().clone();
            observer.attempt(&record, &record.attempts[self.index]);
        }
    }

    /// Closes it as aborted, if it is still open.
    pub(crate) fn abandon(&self, now: Instant) {
        if self.record.borrow().attempts[self.index].end.is_none() {
            self.end(now, Some("aborted"));
        }
    }
}

/// What the ledgers of one client share.
#[derive(Clone, Default)]
pub(crate) struct Office {
    pub(crate) observer: Option<Rc<dyn Observer>>,
    pub(crate) totals: Rc<RefCell<Totals>>,
}

/// A call's pen. Dropped before it is settled, it settles the call as aborted.
pub(crate) struct Ledger<P: Platform> {
    record: Rc<RefCell<Record>>,
    observer: Option<Rc<dyn Observer>>,
    totals: Rc<RefCell<Totals>>,
    platform: P,
}

/// What a client counts over all its calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls asked for.
    pub calls: u64,
    /// Calls that succeeded.
    pub succeeded: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that their callers took back.
    pub aborted: u64,
    /// Attempts sent.
    pub attempts: u64,
    /// Attempts that were not a call's first, hedges included.
    pub retries: u64,
    /// Attempts that were refused: throttled or overloaded.
    pub refusals: u64,
}

impl<P: Platform> Ledger<P> {
    /// Opens the record of a call.
    pub(crate) fn open(record: Record, office: &Office, platform: P) -> Self {
        office.totals.borrow_mut().calls += 1;
        let (observer, totals) = (office.observer.clone(), office.totals.clone());
        Self {
            record: Rc::new(RefCell::new(record)),
            observer,
            totals,
            platform,
        }
    }

    /// Begins the record of an attempt.
    pub(crate) fn attempt(&self, attempt: AttemptRecord) -> Journal {
        let mut record = self.record.borrow_mut();
        let index = record.attempts.len();
        record.attempts.push(attempt);
        let mut totals = self.totals.borrow_mut();
        totals.attempts += 1;
        totals.retries += u64::from(index > 0);
        Journal {
            record: self.record.clone(),
            index,
            observer: self.observer.clone(),
        }
    }

    /// Changes the call's record.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record.borrow_mut());
    }

    /// Whether the server has begun to answer the latest attempt.
    pub(crate) fn is_answering(&self) -> bool {
        self.record
            .borrow()
            .attempts
            .last()
            .is_some_and(|attempt| attempt.headers.is_some())
    }

    /// Attempts sent so far.
    pub(crate) fn attempts(&self) -> u32 {
        self.record.borrow().attempts.len() as u32
    }

    /// Settles the call and answers its record; `error` names the kind of its failure.
    pub(crate) fn settle(self, error: Option<&'static str>) -> Record {
        self.close(error);
        let record = Rc::clone(&self.record);
        drop(self);
        // An attempt that has only just lost to another one may still hold it.
        Rc::try_unwrap(record).map_or_else(|kept| kept.borrow().clone(), RefCell::into_inner)
    }

    fn close(&self, error: Option<&'static str>) {
        let mut record = self.record.borrow_mut();
        if record.end.is_some() {
            return;
        }
        record.end = Some(self.platform.now());
        record.error = error;
        let refused = |attempt: &&AttemptRecord| attempt.class.is_some_and(Class::is_refusal);
        let refusals = record.attempts.iter().filter(refused).count() as u64;
        drop(record);
        let mut totals = self.totals.borrow_mut();
        totals.refusals += refusals;
        match error {
            None => totals.succeeded += 1,
            Some("aborted") => totals.aborted += 1,
            Some(_) => totals.failed += 1,
        }
        drop(totals);
        if let Some(observer) = &self.observer {
            let record = self.record.borrow().clone();
            observer.call(&record);
        }
    }
}

impl<P: Platform> Drop for Ledger<P> {
    fn drop(&mut self) {
        self.close(Some("aborted"));
    }
}
