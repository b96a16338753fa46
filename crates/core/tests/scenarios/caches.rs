//! Answers that are kept: not paid for twice, and never mixed up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, join, join_all, pending, ready};
use kneepoint_core::cache::{Cache, Entry, Key, MemoryStore, Store, StoreError};
use kneepoint_core::platform::Platform;
use kneepoint_core::platform::sim::{Reply, Script, Sim};
use kneepoint_core::{
    CacheUse, CallOptions, Client, Config, Endpoint, HeaderValue, Instant, Method, Outline, Prompt,
    Provider, Request, Secret,
};

use crate::harness::{ANSWER, HOST, Stage, chat_stream, config, ms, request, slow};

fn cached() -> Config {
    Config {
        cache: Some(Cache::new(MemoryStore::new(1 << 20))),
        ..config()
    }
}

#[test]
fn the_same_question_is_answered_from_the_cache_until_the_answer_is_old() {
    let stage = Stage::with(1, cached(), slow());
    let ask = || {
        stage
            .sim
            .run(stage.client.generate(&Prompt::new("m", "Hi")))
            .unwrap()
    };
    let (first, second) = (ask(), ask());
    assert_eq!(
        (first.record.cache, second.record.cache),
        (CacheUse::Miss, CacheUse::Hit)
    );
    assert_eq!(
        (first.body, first.answer.text()),
        (second.body.clone(), second.answer.text())
    );
    assert!(second.record.attempts.is_empty());
    stage.sim.advance(Duration::from_secs(3600));
    assert_eq!(ask().record.cache, CacheUse::Miss);
    assert_eq!(stage.requests(), 2);
    stage.assert_settled();
}

#[test]
fn an_answer_that_the_platform_reads_is_neither_kept_nor_shared() {
    let dedupe = Some(true);
    let stage = Stage::with(1, Config { dedupe, ..cached() }, slow());
    let ask = || {
        let mut request = request(&stage, CallOptions::default());
        request.held = Some(Outline::default());
        stage.client.send(request)
    };
    let (first, second) = stage.sim.run(join(ask(), ask()));
    for reply in [first, second, stage.sim.run(ask())] {
        assert_eq!(reply.unwrap().record.cache, CacheUse::Bypass);
    }
    assert_eq!(stage.requests(), 3);
    stage.assert_settled();
}

#[test]
fn what_one_key_was_told_no_other_key_hears() {
    let stage = Stage::with(1, cached(), slow());
    for (key, requests) in [
        (None, 1),
        (Some("sk-other"), 2),
        (None, 2),
        (Some("sk-other"), 2),
    ] {
        let options = CallOptions {
            api_key: key.map(Secret::new),
            ..CallOptions::default()
        };
        stage
            .sim
            .run(stage.client.send(request(&stage, options)))
            .unwrap();
        assert_eq!(stage.requests(), requests, "{key:?}");
    }
}

#[test]
fn errors_and_broken_streams_are_not_kept() {
    let cut = chat_stream(&["a", "b"], ms(1)).cut_at(260);
    let script = Script::new()
        .reply(Reply::status(400))
        .reply(Reply::json(ANSWER));
    let script = script.reply(cut).reply(chat_stream(&["a", "b"], ms(1)));
    let stage = Stage::with(1, cached(), script);
    stage.send().unwrap_err();
    stage.send().unwrap();
    stage.stream().1.unwrap_err();
    assert_eq!(stage.stream().0.concat(), "ab");
    assert_eq!(stage.requests(), 4);
}

#[test]
fn a_streamed_answer_is_replayed_as_a_stream() {
    let stage = Stage::with(
        1,
        cached(),
        Script::new().reply(chat_stream(&["a", "b", "c"], ms(10))),
    );
    let first = stage.stream();
    stage.sim.advance(ms(1));
    let second = stage.stream();
    assert_eq!(first.0.concat(), "abc");
    let content = |pieces: Vec<String>| {
        pieces
            .into_iter()
            .filter(|p| !p.is_empty())
            .collect::<Vec<_>>()
    };
    assert_eq!(content(second.0), content(first.0), "piece by piece");
    assert_eq!(stage.requests(), 1);
    assert_eq!(stage.notebook.calls.borrow()[1].cache, CacheUse::Hit);
    stage.assert_settled();
}

/// What a store does to whoever asks it.
#[derive(Clone)]
pub(crate) enum Fault {
    Fails,
    Hangs,
    Says(&'static str),
}

/// A store that does its worst until it is mended, and then forgets everything.
#[derive(Default)]
pub(crate) struct Faulty {
    fault: RefCell<Option<Fault>>,
    complaints: RefCell<Vec<String>>,
}

impl Faulty {
    pub(crate) fn store(fault: Fault) -> Rc<Self> {
        let store = Rc::new(Self::default());
        store.fault.replace(Some(fault));
        store
    }

    fn stage(self: &Rc<Self>, script: Script) -> Stage {
        let cache = Cache {
            store: self.clone(),
            ..Cache::new(MemoryStore::new(0))
        };
        let config = Config {
            cache: Some(cache),
            ..config()
        };
        Stage::with(1, config, script)
    }

    fn answer<T: 'static>(
        &self,
        said: fn(&'static str) -> T,
        well: T,
    ) -> LocalBoxFuture<'_, Result<T, StoreError>> {
        match self.fault.borrow().clone() {
            None => ready(Ok(well)).boxed_local(),
            Some(Fault::Says(text)) => ready(Ok(said(text))).boxed_local(),
            Some(Fault::Fails) => ready(Err(StoreError("down".into()))).boxed_local(),
            Some(Fault::Hangs) => pending().boxed_local(),
        }
    }
}

impl Store for Faulty {
    fn get(&self, _: &Key, _: Instant) -> LocalBoxFuture<'_, Result<Option<Entry>, StoreError>> {
        self.answer(|text| Some(Entry { body: text.into() }), None)
    }

    fn put(
        &self,
        _: &Key,
        _: Entry,
        _: Duration,
        _: Instant,
    ) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        self.answer(|_| (), ())
    }

    fn failing(&self, trouble: &StoreError) {
        self.complaints.borrow_mut().push(trouble.to_string());
    }
}

#[test]
fn a_broken_or_hanging_store_never_fails_a_call_and_is_complained_of_once() {
    let half = &ANSWER[..ANSWER.len() / 2];
    #[rustfmt::skip]
    let cases = [
        (Fault::Fails, "down"),
        (Fault::Hangs, "within 250 ms"),
        (Fault::Says("garbage"), "no whole answer"),
        (Fault::Says(half), "no whole answer"),
        (Fault::Says(""), "no whole answer"),
        (Fault::Says("{}"), "no whole answer"),
    ];
    for (fault, complaint) in cases {
        let store = Faulty::store(fault);
        let stage = store.stage(slow());
        for call in 1..4 {
            let asked = stage.sim.now();
            stage.send().unwrap();
            assert_eq!(
                stage.notebook.calls.borrow()[call - 1].cache,
                CacheUse::Miss
            );
            assert!(stage.sim.now() - asked < ms(400), "a bounded wait");
            assert_eq!(stage.requests(), call as u64);
            stage.sim.advance(ms(1000));
        }
        let complaints = store.complaints.borrow();
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains(complaint), "{complaints:?}");
        stage.assert_settled();
    }
}

#[test]
fn a_store_that_recovers_and_fails_again_is_complained_of_again() {
    let store = Faulty::store(Fault::Fails);
    let stage = store.stage(slow());
    for (fault, complaints) in [(Some(Fault::Fails), 1), (None, 1), (Some(Fault::Fails), 2)] {
        store.fault.replace(fault);
        for _ in 0..3 {
            stage.send().unwrap();
            stage.sim.advance(Duration::from_secs(20));
        }
        assert_eq!(store.complaints.borrow().len(), complaints);
    }
}

#[test]
fn a_stream_that_was_kept_in_part_is_asked_for_again() {
    let whole = r#"data: {"choices":[{"index":0,"delta":{"content":"a"}}]}

data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}

data: [DONE]

"#;
    let reply = || Script::new().forever(chat_stream(&["x"], ms(5)));
    for (text, requests) in [
        (whole, 0),
        (&whole[..60], 1),
        ("", 1),
        ("garbage", 1),
        (ANSWER, 1),
    ] {
        let store = Faulty::store(Fault::Says(text));
        let stage = store.stage(reply());
        let read = stage.stream();
        read.1.unwrap();
        assert_eq!(read.0.concat(), if requests == 0 { "ab" } else { "x" });
        assert_eq!(stage.requests(), requests, "{text}");
        assert_eq!(store.complaints.borrow().len() as u64, requests, "{text}");
        stage.assert_settled();
    }
}

/// A store that takes its time.
struct Slow {
    sim: Sim,
    memory: MemoryStore,
    reads: Cell<u32>,
}

impl Store for Slow {
    fn get(
        &self,
        key: &Key,
        now: Instant,
    ) -> LocalBoxFuture<'_, Result<Option<Entry>, StoreError>> {
        let key = key.clone();
        self.reads.set(self.reads.get() + 1);
        async move {
            self.sim.sleep(ms(20)).await;
            self.memory.get(&key, now).await
        }
        .boxed_local()
    }

    fn put(
        &self,
        key: &Key,
        entry: Entry,
        ttl: Duration,
        now: Instant,
    ) -> LocalBoxFuture<'_, Result<(), StoreError>> {
        let key = key.clone();
        async move {
            self.sim.sleep(ms(20)).await;
            self.memory.put(&key, entry, ttl, now).await
        }
        .boxed_local()
    }
}

#[test]
fn a_question_is_sent_once_however_its_askers_come_and_however_slow_the_store_is() {
    let sim = Sim::new(1);
    let truth = sim.serve(
        "https://llm.test",
        Script::new().forever(Reply::json(ANSWER).after(ms(100))),
    );
    let store = Rc::new(Slow {
        sim: sim.clone(),
        memory: MemoryStore::new(1 << 20),
        reads: Cell::new(0),
    });
    let cache = Cache {
        store: store.clone(),
        ..Cache::new(MemoryStore::new(0))
    };
    let config = Config {
        cache: Some(cache),
        ..Config::new(Provider::compatible(HOST))
    };
    let client = Client::new(sim.clone(), config).unwrap();
    // One asker each millisecond: before, during and after look-up, fetch and putting away.
    let (client, clock) = (&client, &sim);
    let ask = |i: u64| async move {
        clock.sleep(ms(i)).await;
        let prompt = Prompt::new("m", &(i % 5).to_string());
        client.generate(&prompt).await.unwrap().record.cache
    };
    let uses = sim.run(join_all((0..300).map(ask)));
    let count = |wanted| uses.iter().filter(|used| **used == wanted).count();
    assert_eq!(truth.counts().requests, 5);
    assert_eq!(count(CacheUse::Miss), 5);
    assert!(
        count(CacheUse::Shared) > 100 && count(CacheUse::Hit) > 100,
        "{uses:?}"
    );
    assert!(store.reads.get() < 100, "look-ups are shared too");
}

#[test]
fn an_answer_on_its_way_into_a_store_is_a_hit_and_later_only_what_it_kept() {
    let sim = Sim::new(1);
    let truth = sim.serve(
        "https://llm.test",
        Script::new().forever(Reply::json(ANSWER)),
    );
    let forgetful = Rc::new(Slow {
        sim: sim.clone(),
        memory: MemoryStore::new(0),
        reads: Cell::new(0),
    });
    let cache = Cache {
        store: forgetful,
        ..Cache::new(MemoryStore::new(0))
    };
    let config = Config {
        cache: Some(cache),
        ..Config::new(Provider::compatible(HOST))
    };
    let client = Client::new(sim.clone(), config).unwrap();
    let uses = sim.run(async {
        let prompt = Prompt::new("m", "Hi");
        let ask = async || client.generate(&prompt).await.unwrap().record.cache;
        let [first, second] = [ask().await, ask().await];
        sim.sleep(ms(100)).await;
        [first, second, ask().await]
    });
    assert_eq!(uses, [CacheUse::Miss, CacheUse::Hit, CacheUse::Miss]);
    assert_eq!(truth.counts().requests, 2);
}

#[test]
fn calls_are_not_shared_where_they_ask_not_to_be_or_leave_the_cache_out() {
    let uncached = CallOptions {
        cache: Some(false),
        ..CallOptions::default()
    };
    let alone = CallOptions {
        dedupe: Some(false),
        ..CallOptions::default()
    };
    for (options, requests, used) in [
        (CallOptions::default(), 1, CacheUse::Shared),
        (uncached, 2, CacheUse::Bypass),
        (alone, 2, CacheUse::Miss),
    ] {
        let stage = Stage::with(1, cached(), slow());
        let ask = || stage.client.send(request(&stage, options.clone()));
        let (_, second) = stage.sim.run(join(ask(), ask()));
        assert_eq!(second.unwrap().record.cache, used);
        assert_eq!(stage.requests(), requests);
        stage.assert_settled();
    }
}

#[test]
fn what_we_do_not_understand_is_done_each_time() {
    let config = Config {
        cache: Some(Cache::new(MemoryStore::new(1 << 20))),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(Reply::json("{}")));
    for method in [Method::Post, Method::Post, Method::Put] {
        let r = Request::from_json(
            Endpoint::Other {
                method,
                path: "/batches".into(),
            },
            "{}",
        );
        stage.sim.run(stage.client.send(r)).unwrap();
    }
    assert_eq!(stage.requests(), 3);
}

#[test]
fn keys_in_headers_of_one_s_own_separate_too() {
    let store: Rc<dyn Store> = Rc::new(MemoryStore::new(1 << 20));
    let sim = Sim::new(1);
    let truth = sim.serve(
        "https://llm.test",
        Script::new().forever(Reply::json(ANSWER)),
    );
    for key in ["azure-1", "azure-2"] {
        let mut config = Config {
            cache: Some(Cache {
                store: store.clone(),
                ttl: ms(9_000_000),
                wait_max: ms(250),
            }),
            ..Config::new(Provider::compatible(HOST))
        };
        config.headers.set(
            "api-key",
            HeaderValue::Secret {
                prefix: "",
                secret: Secret::new(key),
            },
        );
        let client = Client::new(sim.clone(), config).unwrap();
        sim.run(client.generate(&Prompt::new("m", "Hi"))).unwrap();
        sim.advance(ms(10));
    }
    assert_eq!(truth.counts().requests, 2);
}

#[test]
fn a_stream_without_its_last_blank_line_is_replayed_whole() {
    let last = r#"data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]}"#;
    let first = r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let reply = Reply::sse([first]).piece(last);
    let config = Config {
        cache: Some(Cache::new(MemoryStore::new(1 << 20))),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(reply));
    let live = stage.stream();
    stage.sim.advance(ms(10));
    let kept = stage.stream();
    live.1.unwrap();
    assert_eq!(stage.requests(), 1);
    assert_eq!(kept.0.concat(), live.0.concat());
}

#[test]
fn a_miss_that_fails_is_a_miss() {
    let config = Config {
        cache: Some(Cache::new(MemoryStore::new(1 << 20))),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(Reply::status(400)));
    stage.send().unwrap_err();
    assert_eq!(stage.notebook.calls.borrow()[0].cache, CacheUse::Miss);
}

#[test]
fn a_streamed_hit_tells_its_usage() {
    let config = Config {
        cache: Some(Cache::new(MemoryStore::new(1 << 20))),
        ..config()
    };
    let stage = Stage::with(1, config, Script::new().forever(chat_stream(&["a"], ms(1))));
    stage.stream().1.unwrap();
    stage.sim.advance(ms(1));
    stage.stream().1.unwrap();
    let usages: Vec<_> = stage
        .notebook
        .calls
        .borrow()
        .iter()
        .map(|c| c.usage)
        .collect();
    assert_eq!(usages[1], usages[0]);
}
