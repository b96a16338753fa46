//! The stage: one client, one server, and a notebook of everything that was settled.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use kneepoint_core::platform::sim::{Reply, Script, ServerPlan, Sim, Truth};
use kneepoint_core::{
    AttemptRecord, CallOptions, Client, Config, Error, Observer, Prompt, Provider, Record, Request,
    Secret, Stream,
};

pub(crate) const HOST: &str = "https://llm.test/v1";
pub(crate) const KEY: &str = "sk-canary-0123456789";

/// A whole chat completion.
pub(crate) const ANSWER: &str = r#"{"id":"c-1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

/// Milliseconds.
pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Everything that an observer was told.
#[derive(Default)]
pub(crate) struct Notebook {
    pub(crate) attempts: RefCell<Vec<AttemptRecord>>,
    pub(crate) calls: RefCell<Vec<Record>>,
}

impl Observer for Notebook {
    fn attempt(&self, _: &Record, attempt: &AttemptRecord) {
        self.attempts.borrow_mut().push(attempt.clone());
    }

    fn call(&self, record: &Record) {
        self.calls.borrow_mut().push(record.clone());
    }
}

pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) client: Client<Sim>,
    pub(crate) truth: Truth,
    pub(crate) notebook: Rc<Notebook>,
}

/// The defaults, against the simulated host, with a key that must never show.
pub(crate) fn config() -> Config {
    Config {
        api_key: Some(Secret::new(KEY)),
        ..Config::new(Provider::compatible(HOST))
    }
}

/// A server whose answers take 100 ms each.
pub(crate) fn slow() -> Script {
    Script::new().forever(Reply::json(ANSWER).after(ms(100)))
}

/// A plain call that differs from the client's defaults by `options`.
pub(crate) fn request(stage: &Stage, options: CallOptions) -> Request {
    Request {
        options,
        ..stage.client.request(&Prompt::new("m", "Hi"), false)
    }
}

impl Stage {
    pub(crate) fn new(server: impl Into<ServerPlan>) -> Self {
        Self::with(1, config(), server)
    }

    pub(crate) fn with(seed: u64, config: Config, server: impl Into<ServerPlan>) -> Self {
        let sim = Sim::new(seed);
        let truth = sim.serve("https://llm.test", server);
        let notebook = Rc::new(Notebook::default());
        let client = Client::with_observer(sim.clone(), config, Some(notebook.clone())).unwrap();
        Self {
            sim,
            client,
            truth,
            notebook,
        }
    }

    /// Sends one plain call and waits for its outcome.
    pub(crate) fn send(&self) -> Result<String, Error> {
        self.sim
            .run(self.client.generate(&Prompt::new("m", "Hi")))
            .map(|reply| {
                assert_eq!(reply.record.error, None);
                reply.answer.text().to_owned()
            })
    }

    /// Streams one call to its end. Answers the pieces that arrived, and how it ended.
    pub(crate) fn stream(&self) -> (Vec<String>, Result<(), Error>) {
        self.sim.run(async {
            let mut pieces = Vec::new();
            let stream = match self.client.generate_stream(&Prompt::new("m", "Hi")).await {
                Ok(stream) => stream.into_stream(),
                Err(error) => return (pieces, Err(error)),
            };
            let mut stream = pin!(stream);
            loop {
                match stream.next().await {
                    None => return (pieces, Ok(())),
                    Some(Ok(piece)) => pieces.push(piece.text),
                    Some(Err(error)) => return (pieces, Err(error)),
                }
            }
        })
    }

    /// How many requests reached the server.
    pub(crate) fn requests(&self) -> u64 {
        self.truth.counts().requests
    }

    /// Lets everything in the background finish, and checks that nothing is left behind: each call
    /// settled once, each attempt ended, no place taken, no timer, no task.
    pub(crate) fn assert_settled(&self) {
        self.sim.advance(ms(1000));
        let totals = self.client.stats().totals;
        assert_eq!(
            totals.calls,
            totals.succeeded + totals.failed + totals.aborted,
            "{totals:?}"
        );
        assert_eq!(
            self.notebook.calls.borrow().len() as u64,
            totals.calls,
            "settled once each"
        );
        assert_eq!(
            self.notebook.attempts.borrow().len() as u64,
            totals.attempts
        );
        for record in self.notebook.calls.borrow().iter() {
            assert!(record.end.is_some() && record.attempts.iter().all(|one| one.end.is_some()));
        }
        for lane in self.client.stats().lanes {
            assert_eq!((lane.in_flight, lane.queued), (0, 0), "places given back");
        }
        assert_eq!(
            (self.sim.timers(), self.sim.tasks()),
            (0, 0),
            "timers, tasks"
        );
    }
}

/// The events of a chat stream that says `texts`, with its usage and its end.
pub(crate) fn chat_events(texts: &[&str]) -> Vec<String> {
    let chunk = |delta: &str, finish: &str| {
        format!(
            r#"{{"id":"c-1","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}"#
        )
    };
    let mut events = vec![chunk(r#"{"role":"assistant","content":""}"#, "null")];
    for text in texts {
        events.push(chunk(&format!(r#"{{"content":"{text}"}}"#), "null"));
    }
    events.push(chunk("{}", r#""stop""#));
    let usage = format!(
        r#"{{"id":"c-1","choices":[],"usage":{{"prompt_tokens":3,"completion_tokens":{}}}}}"#,
        texts.len()
    );
    events.push(usage);
    events.push("[DONE]".to_owned());
    events
}

/// A well-formed stream that says `texts`, one event per piece, `gap` apart.
pub(crate) fn chat_stream(texts: &[&str], gap: Duration) -> Reply {
    let events = chat_events(texts);
    Reply::sse(events.iter().map(String::as_str)).each_after(gap)
}

/// A chat request for a stream.
pub(crate) fn stream_request(client: &Client<Sim>) -> Request {
    client.request(&Prompt::new("m", "Hi"), true)
}

/// Reads a stream to its end and answers its text.
pub(crate) async fn drain(mut stream: Stream<Sim>) -> Result<String, Error> {
    while let Some(piece) = stream.next().await {
        piece?;
    }
    Ok(stream.text().to_owned())
}
