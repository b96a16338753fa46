//! The queue: who goes when, and what is left when callers go away.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kneepoint_core::adapt::{self, Refusal};
use kneepoint_core::limiter::{
    Acquire, Limiter, Options, Outcome, Permit, Position, QueueFull, TokenHint,
};
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::Sim;

const DONE: Outcome = Outcome::Succeeded {
    units: None,
    tokens: None,
};

fn limiter(sim: &Sim, ceiling: u32) -> Limiter<Sim> {
    let rule = adapt::Options {
        ceiling,
        adaptive: false,
        ..adapt::Options::default()
    };
    Limiter::new(
        sim.clone(),
        Options {
            rule,
            ..Options::default()
        },
    )
}

/// Takes a permit that must be free at once.
fn take(limiter: &Limiter<Sim>) -> Permit<Sim> {
    let acquire = std::pin::pin!(limiter.acquire(limiter.position(0)));
    match acquire.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(permit) => permit.expect("the queue is empty"),
        Poll::Pending => panic!("no permit was free"),
    }
}

/// A call that asked for its turn and waits.
fn wait(limiter: &Limiter<Sim>, position: Position) -> Pin<Box<Acquire<Sim>>> {
    let mut acquire = Box::pin(limiter.acquire(position));
    let polled = acquire
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    acquire
}

fn refusal(hint: Option<Duration>) -> Outcome {
    Outcome::Refused(Refusal {
        hint,
        overload: false,
    })
}

#[test]
fn calls_go_in_the_order_of_their_arrival_and_by_priority() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    let held = take(&limiter);
    let order = Rc::new(RefCell::new(Vec::new()));
    for (name, priority) in [("first", 0), ("second", 0), ("urgent", 5), ("later", -1)] {
        let (limiter, order) = (limiter.clone(), Rc::clone(&order));
        sim.spawn(async move {
            let permit = limiter.acquire(limiter.position(priority)).await.unwrap();
            order.borrow_mut().push(name);
            permit.settle(DONE);
        });
    }
    sim.advance(Duration::from_secs(1));
    assert_eq!(limiter.queued(), 4);
    held.settle(DONE);
    sim.advance(Duration::from_secs(1));
    assert_eq!(*order.borrow(), ["urgent", "first", "second", "later"]);
}

#[test]
fn a_call_that_is_tried_again_keeps_its_place() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    let order = Rc::new(RefCell::new(Vec::new()));
    for name in ["first", "second", "third"] {
        let (world, limiter, order) = (sim.clone(), limiter.clone(), Rc::clone(&order));
        sim.spawn(async move {
            let position = limiter.position(0);
            let permit = limiter.acquire(position).await.unwrap();
            world.sleep(Duration::from_secs(1)).await;
            if name == "first" {
                permit.settle(Outcome::Failed { tokens: None });
                let again = limiter.acquire(position).await.unwrap();
                order.borrow_mut().push("first again");
                again.settle(DONE);
            } else {
                order.borrow_mut().push(name);
                permit.settle(DONE);
            }
        });
    }
    sim.advance(Duration::from_secs(10));
    // The second was granted the place that the failure freed; the third arrived after the first.
    assert_eq!(*order.borrow(), ["second", "first again", "third"]);
}

#[test]
fn a_full_queue_says_so_but_lets_in_what_was_let_in_before() {
    let sim = Sim::new(1);
    let rule = adapt::Options {
        ceiling: 1,
        adaptive: false,
        ..adapt::Options::default()
    };
    let limiter = Limiter::new(sim.clone(), Options { rule, queue_max: 1 });
    let mut retried = limiter.position(0);
    retried.begun();
    let _held = take(&limiter);
    let (waiting, again) = (limiter.clone(), limiter.clone());
    sim.spawn(async move {
        let _permit = waiting.acquire(waiting.position(0)).await;
    });
    sim.advance(Duration::from_secs(1));
    let refused = sim.run(limiter.acquire(limiter.position(0)));
    assert_eq!(refused.err(), Some(QueueFull { queue_max: 1 }.into()));
    sim.spawn(async move {
        let _permit = again.acquire(retried).await;
    });
    sim.advance(Duration::from_secs(1));
    assert_eq!(limiter.queued(), 2);
}

#[test]
fn a_higher_ceiling_lets_waiting_calls_go_and_a_lower_one_waits_for_the_rest() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    for _ in 0..6 {
        let (world, limiter) = (sim.clone(), limiter.clone());
        sim.spawn(async move {
            let permit = limiter.acquire(limiter.position(0)).await.unwrap();
            world.sleep(Duration::from_secs(10)).await;
            permit.settle(DONE);
        });
    }
    sim.advance(Duration::from_secs(1));
    assert_eq!(limiter.snapshot().in_flight, 1);
    limiter.set_ceiling(4);
    sim.advance(Duration::from_secs(1));
    assert_eq!(limiter.snapshot().in_flight, 4);
    limiter.set_ceiling(1);
    sim.advance(Duration::from_secs(8) + Duration::from_millis(500));
    assert_eq!(
        limiter.snapshot().in_flight,
        3,
        "the first ended, nobody took its place"
    );
    sim.advance(Duration::from_secs(5));
    assert_eq!(limiter.snapshot().in_flight, 1);
}

#[test]
fn dropped_callers_leave_no_timer_no_place_and_no_task() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 8);
    take(&limiter).settle(refusal(Some(Duration::from_mins(1))));
    let waiting: Vec<_> = (0..5)
        .map(|_| wait(&limiter, limiter.position(0)))
        .collect();
    assert_eq!(
        (limiter.queued(), sim.timers()),
        (5, 1),
        "the head owns the only timer"
    );
    drop(waiting);
    assert_eq!((limiter.queued(), sim.timers(), sim.tasks()), (0, 0, 0));
}

#[test]
fn when_the_head_leaves_the_next_one_takes_over_its_timer() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 8);
    take(&limiter).settle(refusal(Some(Duration::from_mins(1))));
    let head = wait(&limiter, limiter.position(0));
    let second = limiter.clone();
    let (world, granted) = (sim.clone(), Rc::new(RefCell::new(None)));
    let at = Rc::clone(&granted);
    sim.spawn(async move {
        let permit = second.acquire(second.position(0)).await.unwrap();
        *at.borrow_mut() = Some(world.now());
        permit.settle(DONE);
    });
    sim.advance(Duration::from_secs(1));
    drop(head);
    sim.advance(Duration::from_secs(100));
    let granted = granted
        .borrow()
        .expect("the second was granted")
        .as_secs_f64();
    assert!((60.0..=61.0).contains(&granted), "{granted}");
}

#[test]
fn a_permit_that_is_dropped_gives_its_place_back() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    drop(take(&limiter));
    assert_eq!(limiter.snapshot().in_flight, 0);
    // Granted, but dropped before it was taken.
    let held = take(&limiter);
    let waiting = wait(&limiter, limiter.position(0));
    held.settle(DONE);
    assert_eq!(limiter.snapshot().in_flight, 1);
    drop(waiting);
    assert_eq!(limiter.snapshot().in_flight, 0);
}

#[test]
fn a_hundred_thousand_cancelled_callers_neither_recurse_nor_block() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    let held = take(&limiter);
    let waiting: Vec<_> = (0..100_000)
        .map(|_| wait(&limiter, limiter.position(0)))
        .collect();
    held.settle(DONE);
    drop(waiting);
    assert_eq!(
        (limiter.queued(), limiter.snapshot().in_flight, sim.timers()),
        (0, 0, 0)
    );
}

#[test]
fn a_probe_is_the_call_that_was_refused_least() {
    let sim = Sim::new(1);
    let rule = adapt::Options {
        ceiling: 1,
        ..adapt::Options::default()
    };
    let limiter = Limiter::new(
        sim.clone(),
        Options {
            rule,
            ..Options::default()
        },
    );
    let order = Rc::new(RefCell::new(Vec::new()));
    for number in 0..6 {
        let (world, limiter) = (sim.clone(), limiter.clone());
        let order = Rc::clone(&order);
        sim.spawn(async move {
            let mut position = limiter.position(0);
            loop {
                let permit = limiter.acquire(position).await.unwrap();
                order.borrow_mut().push(number);
                world.sleep(Duration::from_millis(20)).await;
                permit.settle(Outcome::Refused(Refusal {
                    hint: None,
                    overload: true,
                }));
                position.refused();
            }
        });
    }
    // A refusal each half to eight seconds: about nine per minute, shared by all six.
    sim.advance(Duration::from_mins(3));
    let order = order.borrow();
    let attempts: [usize; 6] =
        std::array::from_fn(|number| order.iter().filter(|one| **one == number).count());
    let (least, most) = (
        attempts.iter().min().unwrap(),
        attempts.iter().max().unwrap(),
    );
    assert!(*least >= 2 && most - least <= 1, "{order:?}");
    // Among those that were refused equally often, who came first goes first.
    assert!(order.chunks(6).all(<[usize]>::is_sorted), "{order:?}");
}

#[test]
fn tokens_per_minute_are_kept_once_the_server_names_them() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 100);
    let reset = Some(Duration::from_mins(1));
    limiter.learn_tokens(TokenHint {
        limit: 6000,
        remaining: 0,
        reset,
    });
    let granted = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..3 {
        let (world, limiter, granted) = (sim.clone(), limiter.clone(), Rc::clone(&granted));
        sim.spawn(async move {
            let position = limiter.position(0).with_tokens(1000);
            let permit = limiter.acquire(position).await.unwrap();
            granted.borrow_mut().push(world.now().as_secs_f64().round());
            permit.settle(Outcome::Succeeded {
                units: Some(1000),
                tokens: None,
            });
        });
    }
    sim.advance(Duration::from_mins(2));
    assert_eq!(*granted.borrow(), [10.0, 20.0, 30.0]);
}

#[test]
fn tokens_that_were_certainly_not_used_come_back_at_once() {
    let failed = |tokens| Outcome::Failed { tokens };
    let given_up = |tokens| Outcome::Abandoned { tokens };
    #[rustfmt::skip]
    let cases = [
        // outcome, seconds until as many are to be had again
        (DONE,               10), // answered, but by a server that does not say what it used
        (refusal(None),      0),
        (failed(Some(0)),    0),
        (failed(None),       10),
        (given_up(None),     10), // the server may go on with it
        (given_up(Some(0)),  0),
    ];
    for (outcome, expected) in cases {
        let sim = Sim::new(1);
        let limiter = limiter(&sim, 100);
        let reset = Some(Duration::from_secs(50));
        limiter.learn_tokens(TokenHint {
            limit: 6000,
            remaining: 1000,
            reset,
        });
        let next = || limiter.acquire(limiter.position(0).with_tokens(1000));
        sim.run(next()).unwrap().settle(outcome);
        // The end of a refusal's pause is its own subject.
        let paused = sim.now().max(limiter.snapshot().gate);
        let permit = sim.run(next()).unwrap();
        let waited = (sim.now() - paused).as_secs();
        assert_eq!(waited, expected, "{outcome:?}");
        permit.settle(DONE);
    }
}

#[test]
fn tokens_of_a_call_that_leaves_before_it_is_sent_come_back() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    let held = take(&limiter);
    limiter.learn_tokens(TokenHint {
        limit: 6000,
        remaining: 1000,
        reset: Some(Duration::from_secs(50)),
    });
    let position = || limiter.position(0).with_tokens(1000);
    let free = || limiter.try_acquire(position());
    let waiting = wait(&limiter, position());
    // Now it is granted, and leaves before it hears of that.
    held.settle(DONE);
    assert_eq!(limiter.snapshot().in_flight, 1);
    drop(waiting);
    drop(free().expect("it used none"));
    let mut sent = free().expect("nor did one that was not sent");
    sent.sent();
    drop(sent);
    assert!(free().is_none(), "the server may have begun");
}

#[test]
fn a_place_that_came_free_by_an_answer_costs_a_turn_and_one_that_was_given_up_does_not() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 2);
    let next = |expected: u64, why: &str| {
        let permit = sim.run(limiter.acquire(limiter.position(0))).unwrap();
        assert_eq!(sim.turns(), expected, "{why}");
        permit
    };
    let (first, second) = (next(0, "nothing came free yet"), next(0, "nor now"));
    first.settle(DONE);
    let third = next(1, "a body ended: its connection goes back first");
    drop(second);
    let fourth = next(1, "given up: its connection is closed");
    third.settle(refusal(None));
    fourth.settle(Outcome::Failed { tokens: None });
    let (fifth, sixth) = (
        next(2, "one turn for each place"),
        next(3, "and for the other"),
    );
    drop((fifth, sixth));
    drop(next(3, "all turns were taken"));
}

#[test]
fn what_is_not_free_at_once_is_not_waited_for() {
    let sim = Sim::new(1);
    let limiter = limiter(&sim, 1);
    let held = limiter
        .try_acquire(limiter.position(0))
        .expect("the place is free");
    assert!(limiter.try_acquire(limiter.position(0)).is_none());
    assert_eq!(limiter.queued(), 0, "it left the queue");
    held.settle(DONE);
    // Free again, although a turn is owed: whoever cannot wait does not wait for that either.
    let held = limiter
        .try_acquire(limiter.position(0))
        .expect("the place is free again");
    let _waiting = wait(&limiter, limiter.position(0));
    held.settle(DONE);
    assert!(
        limiter.try_acquire(limiter.position(9)).is_none(),
        "it is promised to who waits"
    );
    assert_eq!(limiter.snapshot().in_flight, 1);
}
