//! Runs tasks on one thread, always in the order in which they were woken.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

/// What runs here.
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The queue of tasks that were woken. Wakers must be `Send` by their type, hence the lock, which
/// is never contended.
type Ready = Arc<Mutex<VecDeque<Arc<Handle>>>>;

/// What wakes one task.
struct Handle {
    /// Its place in the slab, or `None` for the future that `run` was given.
    place: Option<usize>,
    queued: AtomicBool,
    ready: Ready,
}

impl Wake for Handle {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.push_back(Arc::clone(&self));
        }
    }
}

/// A task and what wakes it. The task is taken out while it runs.
struct Slot {
    handle: Arc<Handle>,
    task: Option<Task>,
}

/// The tasks of one world.
#[derive(Default)]
pub struct Executor {
    ready: Ready,
    slots: RefCell<Vec<Option<Slot>>>,
    free: RefCell<Vec<usize>>,
}

/// What was polled next.
pub enum Polled {
    /// Nothing: every task waits.
    Nothing,
    /// A task in the background.
    Task,
    /// It is the main future's turn.
    Main,
}

impl Executor {
    /// Adds a task, to run when its turn comes. Answers its place, which is another task's once this
    /// one has ended.
    pub fn spawn(&self, task: Task) -> usize {
        let place = self.free.borrow_mut().pop();
        let mut slots = self.slots.borrow_mut();
        let place = place.unwrap_or_else(|| {
            slots.push(None);
            slots.len() - 1
        });
        let handle = self.handle(Some(place));
        slots[place] = Some(Slot {
            handle: Arc::clone(&handle),
            task: Some(task),
        });
        drop(slots);
        handle.wake();
        place
    }

    /// Wakes the task at `place`, if there is one.
    pub fn wake(&self, place: usize) {
        let slots = self.slots.borrow();
        if let Some(Some(slot)) = slots.get(place) {
            Arc::clone(&slot.handle).wake();
        }
    }

    /// Drops the task at `place` where it stands. One that is running, and so drops itself, goes on to
    /// where it would wait next.
    pub fn cancel(&self, place: usize) {
        let slot = self
            .slots
            .borrow_mut()
            .get_mut(place)
            .and_then(Option::take);
        if slot.is_some() {
            self.free.borrow_mut().push(place);
        }
    }

    /// How many tasks have not ended.
    pub fn tasks(&self) -> usize {
        self.slots.borrow().iter().flatten().count()
    }

    /// The waker of the main future, woken already.
    pub fn main(&self) -> Waker {
        let handle = self.handle(None);
        Arc::clone(&handle).wake();
        handle.into()
    }

    /// Polls the task that was woken first.
    pub fn poll_next(&self) -> Polled {
        let next = self
            .ready
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(handle) = next else {
            return Polled::Nothing;
        };
        handle.queued.store(false, Ordering::Relaxed);
        let Some(place) = handle.place else {
            return Polled::Main;
        };
        let Some(mut task) = self.take(place, &handle) else {
            return Polled::Task;
        };
        let waker = Waker::from(Arc::clone(&handle));
        let polled = task.as_mut().poll(&mut Context::from_waker(&waker));
        let mut slots = self.slots.borrow_mut();
        // One that dropped itself has left its place, which may be another task's by now.
        if let Some(slot) = tenant(&mut slots[place], &handle) {
            if polled.is_pending() {
                slot.task = Some(task);
            } else {
                slots[place] = None;
                self.free.borrow_mut().push(place);
            }
        }
        Polled::Task
    }

    /// Takes the task out of its slot.
    fn take(&self, place: usize, handle: &Arc<Handle>) -> Option<Task> {
        tenant(&mut self.slots.borrow_mut()[place], handle)?
            .task
            .take()
    }

    fn handle(&self, place: Option<usize>) -> Arc<Handle> {
        let ready = Arc::clone(&self.ready);
        Arc::new(Handle {
            place,
            queued: AtomicBool::new(false),
            ready,
        })
    }
}

/// What lives in a slot, unless the handle is that of an earlier tenant.
fn tenant<'a>(slot: &'a mut Option<Slot>, handle: &Arc<Handle>) -> Option<&'a mut Slot> {
    slot.as_mut()
        .filter(|slot| Arc::ptr_eq(&slot.handle, handle))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// Runs a task that takes itself back, then perhaps spawns another in its place, and ends now or
    /// later. Answers how many of those that come after it run.
    fn run_after(spawns: bool, ends: bool) -> u32 {
        let executor = Rc::new(Executor::default());
        let ran = Rc::new(Cell::new(0));
        let count = |executor: &Executor| {
            let ran = ran.clone();
            executor.spawn(Box::pin(async move { ran.set(ran.get() + 1) }));
        };
        let (own, counting) = (executor.clone(), ran.clone());
        executor.spawn(Box::pin(async move {
            own.cancel(0);
            if spawns {
                own.spawn(Box::pin(async move { counting.set(counting.get() + 1) }));
            }
            if !ends {
                std::future::pending::<()>().await;
            }
        }));
        executor.poll_next();
        count(&executor);
        count(&executor);
        while !matches!(executor.poll_next(), Polled::Nothing) {}
        assert_eq!(executor.tasks(), 0);
        ran.get()
    }

    #[test]
    fn a_task_that_takes_itself_back_is_in_nobodys_way() {
        #[rustfmt::skip]
        let cases = [
            // spawns another, ends, how many run after it
            (false, false, 2),
            (false, true,  2),
            (true,  false, 3),
            (true,  true,  3),
        ];
        for (spawns, ends, expected) in cases {
            assert_eq!(run_after(spawns, ends), expected, "{spawns} {ends}");
        }
    }
}
