//! A client under an arbitrary sequence of events: whatever the server does and the callers do,
//! the promises hold. Every input is a scenario; the same input is the same run, to the byte.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{join_all, select};
use kneepoint_core::adapt::Options;
use kneepoint_core::cache::{Cache, MemoryStore};
use kneepoint_core::platform::sim::{Reply, Script, Sim, Truth};
use kneepoint_core::platform::{Platform, TransportError};
use kneepoint_core::retry::Class;
use kneepoint_core::{
    AttemptRecord, CallOptions, Client, Config, Observer, Prompt, Provider, Record, Request,
};

/// What a whole answer says, and what a stream says piece by piece.
const WHOLE: &str = r#"{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}],"usage":{"completion_tokens":1}}"#;
const PIECES: [&str; 3] = ["pi", "ec", "es"];

/// No call of a scenario has more than this many retries of any class.
const RETRIES_MAX: u32 = 4;

/// Scenarios stay small, so that many can be tried.
const REPLIES_MAX: u8 = 48;
const CALLS_MAX: u8 = 32;

/// Quick calls after which the client knows what is slow, and may send a rival.
const WARM_UP: usize = 40;

/// Reads choices off the input; past its end every choice is the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn below(&mut self, count: u8) -> u8 {
        self.byte() % count
    }

    fn yes(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Mostly short, sometimes long.
    fn pause(&mut self) -> Duration {
        let byte = u64::from(self.byte());
        Duration::from_millis(if byte < 200 {
            byte * 5
        } else {
            (byte - 199) * 250
        })
    }

    fn maybe_pause(&mut self) -> Option<Duration> {
        self.yes().then(|| self.pause() + Duration::from_millis(1))
    }
}

fn stream() -> Reply {
    let event = |delta: &str, finish: &str| {
        format!(r#"{{"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#)
    };
    let pieces = PIECES.map(|text| event(&format!(r#"{{"content":"{text}"}}"#), "null"));
    let end = [event("{}", r#""stop""#), "[DONE]".to_owned()];
    let events: Vec<String> = pieces.into_iter().chain(end).collect();
    Reply::sse(events.iter().map(String::as_str))
}

fn reply(choices: &mut Choices<'_>) -> Reply {
    let refusal = |choices: &mut Choices<'_>, status| {
        let reply = Reply::status(status);
        match choices.below(4) {
            0 => reply.header(
                "retry-after-ms",
                &u32::from(choices.byte()).pow(2).to_string(),
            ),
            1 => reply.header("retry-after", &choices.byte().to_string()),
            2 => reply.header(
                "x-should-retry",
                if choices.yes() { "true" } else { "false" },
            ),
            _ => reply,
        }
    };
    let reply = match choices.below(16) {
        0..=3 => Reply::json(WHOLE),
        4 | 5 => stream().each_after(choices.pause()),
        6 => refusal(choices, 429),
        7 => refusal(choices, 503),
        8 => refusal(choices, 500),
        9 => Reply::status([200, 204, 400, 404, 529][choices.below(5) as usize]),
        10 => Reply::error(TransportError::Connect("refused".into())),
        11 => Reply::error(TransportError::Lost("reset".into())),
        12 => Reply::hang(),
        13 => stream()
            .each_after(choices.pause())
            .cut_at(usize::from(choices.byte()) * 2),
        14 => stream().stalls_at(usize::from(choices.byte()) * 2),
        _ => Reply::json(r#"{"error":{"message":"sorry","type":"overloaded_error"}}"#),
    };
    reply.after(choices.pause())
}

fn config(choices: &mut Choices<'_>) -> Config {
    let mut config = Config::new(Provider::compatible("https://llm.test/v1"));
    if choices.yes() {
        config.concurrency = Options::at_most(1 + u32::from(choices.below(8)));
    }
    config.concurrency.adaptive = choices.yes();
    config.hedge = choices.yes();
    config.dedupe = [None, Some(false), Some(true)][choices.below(3) as usize];
    config.queue_max = usize::from(choices.byte().max(1));
    config.timeout = Some(choices.pause() + Duration::from_secs(1));
    config.attempt_timeout = choices.maybe_pause();
    config.first_token_timeout = choices.maybe_pause();
    config.idle_timeout = choices.maybe_pause();
    config.retry.retries_max = Some(u32::from(choices.below(1 + RETRIES_MAX as u8)));
    config.retry.budget = choices.yes().then(|| u32::from(choices.byte()));
    config.retry.at_most_once = choices.yes();
    config.cache = choices.yes().then(|| Cache::new(MemoryStore::new(1 << 12)));
    config
}

#[derive(Default)]
struct Notebook {
    calls: RefCell<Vec<Record>>,
    attempts: RefCell<u64>,
}

impl Observer for Notebook {
    fn attempt(&self, record: &Record, attempt: &AttemptRecord) {
        let lies_in_it = record.attempts.iter().any(|one| std::ptr::eq(one, attempt));
        assert!(lies_in_it, "its place tells which one it is");
        *self.attempts.borrow_mut() += 1;
    }

    fn call(&self, record: &Record) {
        self.calls.borrow_mut().push(record.clone());
    }
}

/// How one caller behaves.
struct Caller {
    starts: Duration,
    leaves: Option<Duration>,
    streams: bool,
    question: u8,
    priority: i32,
}

async fn call(client: Client<Sim>, sim: Sim, caller: &Caller) {
    sim.sleep(caller.starts).await;
    let prompt = Prompt::new("m", &caller.question.to_string());
    let options = CallOptions {
        priority: caller.priority,
        ..CallOptions::default()
    };
    let request = Request {
        options,
        ..client.request(&prompt, caller.streams)
    };
    if !caller.streams {
        if let Ok(reply) = client.send(request).await {
            assert_eq!(reply.answer.text(), "whole", "a success that is none");
        }
        return;
    }
    let Ok(mut stream) = client.stream(request).await else {
        return;
    };
    let whole = PIECES.concat();
    while let Some(piece) = stream.next().await {
        match piece {
            // A retry after the first content would say the beginning twice.
            Ok(_) => assert!(whole.starts_with(stream.text()), "{:?}", stream.text()),
            Err(error) => {
                let partial = error.partial.expect("what arrived is in the error");
                assert!(whole.starts_with(&partial), "{partial:?}");
                return;
            }
        }
    }
    assert_eq!(stream.text(), whole, "a stream that ended well is whole");
}

/// Runs the scenario that `input` describes, checks every promise, and answers a hash of all that
/// was recorded.
pub(crate) fn check(input: &[u8]) -> u64 {
    let mut choices = Choices(input);
    let sim = Sim::new(u64::from(choices.byte()));
    sim.limit_steps(2_000_000);
    let config = config(&mut choices);
    let (ceiling, retry) = (config.concurrency.ceiling, config.retry);
    let callers: Vec<Caller> = (0..choices.below(CALLS_MAX))
        .map(|_| Caller {
            starts: choices.pause(),
            leaves: choices.maybe_pause(),
            streams: choices.yes(),
            question: choices.below(4),
            priority: i32::from(choices.below(3)) - 1,
        })
        .collect();
    let warm_up = if choices.yes() { WARM_UP } else { 0 };
    let quick = Reply::json(WHOLE).after(Duration::from_millis(10));
    let replies = (0..choices.below(REPLIES_MAX)).map(|_| reply(&mut choices));
    let script = replies
        .fold(Script::new().times(warm_up, &quick), Script::reply)
        .forever(quick);
    let truth = sim.serve("https://llm.test", script);
    let notebook = Rc::new(Notebook::default());
    let client = Client::with_observer(sim.clone(), config, Some(notebook.clone()))
        .expect("the scenario's configuration is valid");

    sim.run(async {
        for question in 0..warm_up {
            let prompt = Prompt::new("m", &format!("warm-up {question}"));
            let _ = client.generate(&prompt).await;
        }
    });
    sim.run(join_all(callers.iter().map(|caller| {
        let call = Box::pin(call(client.clone(), sim.clone(), caller));
        let leave = Box::pin(match caller.leaves {
            Some(patience) => sim.sleep(caller.starts + patience).boxed_local(),
            None => std::future::pending().boxed_local(),
        });
        select(call, leave).map(drop)
    })));
    sim.advance(Duration::from_secs(2));

    let calls = notebook.calls.borrow();
    settled_once(&client, &notebook, &calls);
    assert_eq!(
        (sim.timers(), sim.tasks()),
        (0, 0),
        "timers and tasks left behind"
    );
    assert!(
        truth.counts().in_flight_max <= ceiling,
        "more in flight than allowed"
    );
    for record in calls.iter() {
        let retries = retry.retries_max.unwrap_or_default();
        // Refusals, trouble, one lost answer, one doubtful one, and a rival for each.
        let most = 2 * (1 + 2 * retries + 2 * retries.min(1)) as usize;
        assert!(
            record.attempts.len() <= most,
            "{} attempts",
            record.attempts.len()
        );
    }
    no_send_before_a_hint(&calls, &truth);
    hash(&calls)
}

fn settled_once(client: &Client<Sim>, notebook: &Notebook, calls: &[Record]) {
    let totals = client.stats().totals;
    assert_eq!(
        totals.calls,
        totals.succeeded + totals.failed + totals.aborted,
        "{totals:?}"
    );
    assert_eq!(
        totals.calls,
        calls.len() as u64,
        "each call is told of once"
    );
    assert_eq!(
        totals.attempts,
        *notebook.attempts.borrow(),
        "each attempt is told of once"
    );
    for lane in client.stats().lanes {
        assert_eq!((lane.in_flight, lane.queued), (0, 0), "places left taken");
    }
    for record in calls {
        assert!(record.end.is_some_and(|end| end >= record.created));
        assert!(
            record
                .attempts
                .iter()
                .all(|attempt| attempt.end >= Some(attempt.start))
        );
    }
}

/// A hint that came with a refusal holds back every request, whoever's it is.
fn no_send_before_a_hint(calls: &[Record], truth: &Truth) {
    let seen = truth.requests();
    for attempt in calls.iter().flat_map(|record| &record.attempts) {
        let refused = attempt.class.is_some_and(Class::is_refusal);
        // Told with the head, which is long before the end of its body.
        if let (true, Some(hint), Some(told)) = (refused, attempt.retry_after, attempt.headers) {
            let early = seen
                .iter()
                .find(|one| one.at > told && one.at < told + hint);
            assert!(
                early.is_none(),
                "sent at {early:?} although told at {told:?} to wait {hint:?}"
            );
        }
    }
}

/// FNV-1a over everything that was recorded.
fn hash(calls: &[Record]) -> u64 {
    format!("{calls:?}")
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
}
