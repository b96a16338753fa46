//! What is missing of the wanted concurrency, and whose doing it is.

use super::*;
use crate::record::Class;

/// Milliseconds, in the microseconds of samples.
const MS: u64 = 1000;

/// A request of a slot that has been free since `sched`; `start` is none where it was never sent.
fn landed(slot: u32, sched: u64, start: Option<u64>, end: u64, held: u64, class: Class) -> Landing {
    let sample = Sample {
        id: 0,
        rung: 0,
        slot,
        t_sched: sched,
        t_start: start,
        t_headers: None,
        t_first: None,
        t_visible: None,
        t_last: None,
        t_end: end,
        status: None,
        class,
        error: None,
        attempts: u32::from(start.is_some()),
        retry_after: None,
        in_tok: None,
        out_tok: None,
        cached_tok: None,
        tok_source: TokenSource::None,
        chunks: 0,
        reads: 0,
        max_gap: None,
        finish_reason: None,
        bytes: 0,
        reused: None,
        protocol: None,
    };
    Landing {
        job: crate::outcome::Job {
            id: 0,
            rung: 0,
            slot,
            sched: kneepoint_core::Instant::default(),
            measured: true,
            most: crate::plan::Cost::default(),
        },
        sample,
        gaps_ms: Vec::new(),
        held,
        usage_refused: false,
        config: None,
    }
}

/// Two slots, each of which takes a request up a hundred times: after `wait` it is sent, and `held` of
/// that the client held it back; `taken` later it has ended.
fn rung(wait: u64, held: u64, taken: u64, class: Class) -> Rung {
    let mut tally = Tally::new(Purpose::Run, Some(2), 0, None);
    for turn in 0..100 {
        for slot in 0..2 {
            let sched = turn * (wait + taken);
            let start = sched + wait;
            // The first is answered: without an answer nothing is judged.
            let class = if turn == 0 { Class::Ok } else { class };
            tally.take(&landed(
                slot,
                sched,
                Some(start),
                start + taken,
                held,
                class,
            ));
        }
    }
    tally.run(Surroundings::default())
}

#[test]
fn what_a_client_holds_back_is_not_its_slowness() {
    #[rustfmt::skip]
    let cases = [
        // wait, held, taken, how they end, residual
        (0,        0,        100 * MS, Class::Ok,        0.0),
        (100 * MS, 0,        100 * MS, Class::Ok,        0.5),  // slow from one request to the next
        (100 * MS, 0,        100 * MS, Class::Throttled, 0.5),
        (100 * MS, 100 * MS, 100 * MS, Class::Throttled, 0.0),  // paused by the server's hint
        (900 * MS, 900 * MS, MS,       Class::Throttled, 0.0),  // refused at once, and told to stay away
        (900 * MS, 900 * MS, 100 * MS, Class::Ok,        0.0),  // a quota that the server told
        (100 * MS, 60 * MS,  100 * MS, Class::Throttled, 0.2),  // told to pause, and slow as well
        (100 * MS, 500 * MS, 100 * MS, Class::Throttled, 0.0),  // held again before a second attempt
    ];
    for (wait, held, taken, class, expected) in cases {
        let rung = rung(wait, held, taken, class);
        let residual = rung.little_residual.expect("many turns of a closed loop");
        let case = format!("{wait} µs, held for {held}, then {taken}: {residual}");
        assert!((residual - expected).abs() < 0.02, "{case}");
        assert_eq!(rung.client.bound, expected > 0.1, "{case}");
        let in_flight = 2.0 * taken as f64 / (wait + taken) as f64;
        assert!((rung.concurrency_mean - in_flight).abs() < 0.05, "{case}");
    }
}

#[test]
fn a_request_that_was_never_sent_was_held_to_its_end() {
    let mut tally = Tally::new(Purpose::Run, Some(1), 0, None);
    tally.take(&landed(0, 0, Some(0), 100 * MS, 0, Class::Ok));
    tally.take(&landed(
        0,
        100 * MS,
        None,
        900 * MS,
        800 * MS,
        Class::Timeout,
    ));
    tally.take(&landed(
        0,
        900 * MS,
        Some(900 * MS),
        1000 * MS,
        0,
        Class::Ok,
    ));
    let rung = tally.run(Surroundings::default());
    assert!(rung.little_residual.is_some_and(|residual| residual < 0.02));
    assert!(
        (rung.concurrency_mean - 0.2).abs() < 0.02,
        "{}",
        rung.concurrency_mean
    );
    assert_eq!(rung.concurrency_peak, 1);
}
