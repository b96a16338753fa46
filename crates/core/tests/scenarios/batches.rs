//! Many calls as one: all of them, each with its own outcome, within bounds.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::StreamExt;
use kneepoint_core::adapt::Options;
use kneepoint_core::platform::sim::{Latency, Reply, Script, ServerModel};
use kneepoint_core::{BatchOptions, Config, Order, Progress, Prompt, Request};

use crate::harness::{ANSWER, Stage, config, ms};

fn requests(stage: &Stage, count: usize) -> Vec<Request> {
    let request = |index| {
        stage
            .client
            .request(&Prompt::new("m", &format!("{index}")), false)
    };
    (0..count).map(request).collect()
}

/// A script in which the first call is the slowest.
fn unequal() -> Script {
    Script::new()
        .reply(Reply::json(ANSWER).after(ms(300)))
        .reply(Reply::status(400).after(ms(200)))
        .reply(Reply::json(ANSWER).after(ms(100)))
}

#[test]
fn results_come_in_the_order_of_the_requests_or_as_they_finish() {
    for (order, expected) in [(Order::AsGiven, [0, 1, 2]), (Order::AsFinished, [2, 1, 0])] {
        let stage = Stage::new(unequal());
        let batch = stage.client.batch(
            requests(&stage, 3),
            BatchOptions {
                order,
                ..BatchOptions::default()
            },
        );
        let items: Vec<_> = stage.sim.run(batch.collect());
        let indices: Vec<usize> = items.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, expected, "{order:?}");
        for (index, outcome) in &items {
            assert_eq!(outcome.is_err(), *index == 1, "its own outcome each");
        }
        stage.assert_settled();
    }
}

#[test]
fn all_are_settled_in_order_and_progress_is_told() {
    let stage = Stage::new(unequal());
    let mut batch = stage.client.batch(
        requests(&stage, 3),
        BatchOptions {
            order: Order::AsFinished,
            open_max: 3,
        },
    );
    assert_eq!(batch.progress(), Progress::default());
    stage.sim.run(batch.next());
    assert_eq!(
        batch.progress(),
        Progress {
            begun: 3,
            succeeded: 1,
            failed: 0
        }
    );
    let rest = stage.sim.run(batch.settled());
    assert_eq!(
        rest.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false]
    );
}

#[test]
fn no_more_calls_are_open_and_no_more_requests_in_flight_than_allowed() {
    let model = ServerModel {
        latency: Latency {
            median: 0.1,
            per_unit: 0.0,
            sigma: 0.0,
        },
        ..ServerModel::default()
    };
    let config = Config {
        concurrency: Options::at_most(7),
        ..config()
    };
    let stage = Stage::with(1, config, model);
    let options = BatchOptions {
        open_max: 20,
        ..BatchOptions::default()
    };
    // A request is taken only when its turn comes: the source may be endless.
    let taken = Rc::new(Cell::new(0_usize));
    let counter = taken.clone();
    let source = requests(&stage, 500).into_iter();
    let source = source.inspect(move |_| counter.set(counter.get() + 1));
    let mut batch = stage.client.batch(source, options);
    let mut done = 0;
    stage.sim.run(async {
        while let Some((index, outcome)) = batch.next().await {
            outcome.unwrap();
            assert_eq!(index, done);
            done += 1;
            assert!(batch.progress().begun <= done + 20);
            assert!(
                taken.get() <= done + 20,
                "{} taken, {done} done",
                taken.get()
            );
        }
    });
    assert_eq!(done, 500);
    assert!(stage.truth.counts().in_flight_max <= 7);
    stage.assert_settled();
}

#[test]
fn a_batch_that_is_dropped_sends_no_more() {
    let stage = Stage::new(Script::new().forever(Reply::json(ANSWER).after(ms(100))));
    let options = BatchOptions {
        open_max: 5,
        ..BatchOptions::default()
    };
    let mut batch = stage.client.batch(requests(&stage, 100), options);
    stage.sim.run(batch.next());
    drop(batch);
    let sent = stage.requests();
    stage.sim.advance(ms(60_000));
    assert_eq!(stage.requests(), sent);
    assert!(sent <= 10);
    stage.assert_settled();
}
