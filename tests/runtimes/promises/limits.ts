// Retries and limits, as the endpoint counts them.

import { check, equal, eventually, settled } from "../assert.ts";
import { failure, MODEL, type Promises, read } from "../world.ts";

export const limits: Promises = {
  async "trouble is retried as often as allowed, and with one idempotency key"(world) {
    const endpoint = world.endpoint("fault=status_500");
    const error = await failure(world.client(endpoint, { maxRetries: 1 }).generate("Hello!", { ...MODEL, idempotencyKey: "one" }));
    equal([error.attempts, error.status], [2, 500], "attempts, status");
    const { requests, attempts_by_key } = await endpoint.truth();
    equal([requests, attempts_by_key], [2, { one: 2 }], "requests, by key");
  },

  async "what passes by itself does not reach the caller"(world) {
    const endpoint = world.endpoint("tokens=3,fault=status_500:0.3");
    const llm = world.client(endpoint, { maxRetries: 10, concurrency: 4 });
    const calls = Array.from({ length: 12 }, (_, i) => llm.generate(`Hello ${i}`, { ...MODEL, idempotencyKey: `k${i}` }));
    await settled(Promise.all(calls), "the calls");
    const { requests, completed, duplicates } = await endpoint.truth();
    equal([completed, duplicates], [12, 0], "completed, duplicates");
    equal(llm.stats().retries, requests - 12, "retries");
  },

  async "a stream is retried before its first content"(world) {
    const always = world.client(world.endpoint("fault=sse_error_first"), { maxRetries: 1 });
    equal((await read(always.stream("Hello!", MODEL))).error?.attempts, 2, "attempts");
    const sometimes = world.client(world.endpoint("tokens=3,fault=sse_error_first:0.25"), { maxRetries: 12 });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => read(sometimes.stream("Hello!", MODEL))));
    for (const { error } of outcomes) equal(error, undefined, "error");
  },

  async "what may have been carried out is repeated once, or never where that is asked"(world) {
    const twice = world.endpoint("fault=reset_before_headers");
    const error = await failure(world.client(twice, { maxRetries: 5 }).generate("Hello!", { ...MODEL, idempotencyKey: "x" }));
    equal([error.attempts, (await twice.truth()).attempts_by_key], [2, { x: 2 }], "attempts");
    const once = world.endpoint("fault=reset_before_headers");
    await failure(world.client(once, { maxRetries: 5, atMostOnce: true }).generate("Hello!", { ...MODEL, idempotencyKey: "x" }));
    equal((await once.truth()).attempts_by_key, { x: 1 }, "attempts where once is asked");
  },

  async "what cannot pass is not retried"(world) {
    for (const fault of ["status_400", "status_401", "quota_429", "should_retry_false"]) {
      const endpoint = world.endpoint(`fault=${fault}`);
      await failure(world.client(endpoint, { maxRetries: 5 }).generate("Hello!", MODEL), fault);
      const { requests } = await endpoint.truth();
      equal(requests, 1, fault);
    }
  },

  async "a wait that the server asks for is kept"(world) {
    const endpoint = world.endpoint("tokens=2,fault=retry_after_1:0.5");
    const llm = world.client(endpoint, { maxRetries: 10 });
    const { timing } = await llm.generate("Hello!", MODEL);
    timing.attempts.forEach((attempt, i) => {
      const next = timing.attempts[i + 1];
      if (next === undefined || attempt.retryAfter === undefined) return;
      equal(attempt.retryAfter, 1000, "the wait");
      check(next.start - (attempt.end ?? 0) >= 999, `${next.start - (attempt.end ?? 0)} ms were waited`);
    });
  },

  async "never more calls are in flight than concurrency allows"(world) {
    for (const most of [1, 3, 5]) {
      const endpoint = world.endpoint("tokens=2,ttft=15");
      const llm = world.client(endpoint, { concurrency: most });
      await settled(llm.batch(Array.from({ length: 6 * most }, () => "x"), MODEL).settled(), "the batch");
      const { in_flight_max, completed } = await endpoint.truth();
      equal([in_flight_max, completed], [most, 6 * most], "most in flight, completed");
    }
  },

  async "as many calls are in flight as concurrency allows"(world) {
    // Browsers have no more than six connections to a place, each of which takes many calls over HTTP/2 only.
    const most = world.isOpaque && !world.isEncrypted ? 6 : 40;
    // Long enough for the last to be sent while the first waits.
    const endpoint = world.endpointApart("tokens=2,ttft=500");
    const llm = world.client(endpoint, { concurrency: most });
    await Promise.all(Array.from({ length: most }, () => llm.generate("Hello!", MODEL)));
    equal((await endpoint.truth()).in_flight_max, most, "most in flight");
  },

  async "streams count against the limit until they end"(world) {
    const endpoint = world.endpoint("tokens=6,tpot=10");
    const llm = world.client(endpoint, { concurrency: 2 });
    await Promise.all(Array.from({ length: 6 }, () => read(llm.stream("Hello!", MODEL))));
    const { in_flight_max, completed } = await endpoint.truth();
    equal([in_flight_max, completed], [2, 6], "most in flight, completed");
  },

  async "failures give their place back"(world) {
    const endpoint = world.endpoint("fault=reset_before_headers:0.3,fault=status_500:0.3,fault=fin_mid@20:0.4");
    const llm = world.client(endpoint, { concurrency: 2, adaptive: false });
    await settled(llm.batch(Array.from({ length: 20 }, () => "x"), MODEL).settled(), "the batch");
    const [model] = llm.stats().models;
    equal([model?.inFlight, model?.queued], [0, 0], "in flight, queued");
  },

  async "higher priority leaves the queue first"(world) {
    const endpoint = world.endpoint("tokens=1,ttft=30");
    const llm = world.client(endpoint, { concurrency: 1 });
    const order: number[] = [];
    const call = async (priority: number) => {
      await llm.generate("Hello!", { ...MODEL, priority });
      order.push(priority);
    };
    await settled(Promise.all([call(0), call(1), call(2), call(3)]), "the calls");
    equal(order, [0, 3, 2, 1], "order");
  },

  async "a server that takes fewer is not flooded"(world) {
    const endpoint = world.endpoint("tokens=2,ttft=20,slots=2");
    const llm = world.client(endpoint, { concurrency: 6, maxRetries: 50 });
    const items = await settled(llm.batch(Array.from({ length: 30 }, () => "x"), MODEL).settled(), "the batch");
    equal(items.filter((item) => item.status === "fulfilled").length, 30, "answers");
    const { rejected } = await endpoint.truth();
    check(rejected < 60, `${rejected} refusals for 30 answers`);
    equal(llm.stats().refusals, rejected, "refusals in the figures");
  },

  async "streams one after another share a connection"(world) {
    const endpoint = world.endpointApart("tokens=3,fault=late_eof:20");
    const llm = world.client(endpoint);
    let stood = 0;
    for (let i = 0; i < 10; i += 1) {
      const began = performance.now();
      equal((await read(llm.stream("Hello!", MODEL))).error, undefined, "error");
      stood += Number(performance.now() - began > 200);
    }
    const { connections, requests } = await endpoint.truth();
    equal(requests, 10, "requests");
    // A body's end is waited for for a quarter of a second. Where the machine stands still for that long, its
    // connection may serve nobody else.
    check(connections <= 1 + stood, `${connections} connections, though the machine stood still ${stood} times`);
    check(stood <= 5, `${stood} of 10 streams waited for long`);
  },

  async "refused calls one after another share a connection"(world) {
    const endpoint = world.endpointApart("fault=status_500");
    const llm = world.client(endpoint, { adaptive: false });
    for (let i = 0; i < 4; i += 1) equal((await failure(llm.generate("Hello!", MODEL))).kind, "status", "kind");
    const { connections, requests } = await endpoint.truth();
    equal(requests, 4, "requests");
    check(connections <= 1, `${connections} connections`);
  },

  async "no connection is opened for calls that are taken back before they have one"(world) {
    const endpoint = world.endpoint("tokens=2");
    const llm = world.client(endpoint, { concurrency: 12, adaptive: false });
    const leaving = new AbortController();
    const left = Array.from({ length: 9 }, () => failure(llm.generate("Hello!", { ...MODEL, signal: leaving.signal })));
    const kept = Array.from({ length: 3 }, () => llm.generate("Hello!", MODEL));
    leaving.abort();
    for (const { kind } of await Promise.all(left)) equal(kind, "aborted", "kind");
    for (const { usage } of await Promise.all(kept)) equal(usage?.outputTokens, 2, "tokens");
    // Other platforms open connections as they like, and do not tell.
    if (world.place.runtime !== "node") return;
    equal(llm.stats().connections.opened, world.isEncrypted ? 1 : 3, "opened");
  },

  async "a stream that fails, or is left, costs no connection but its own"(world) {
    // Other platforms open connections as they like, and do not tell; over HTTP/2 one goes on.
    if (world.place.runtime !== "node" || world.isEncrypted) return;
    for (const spec of ["tokens=4,fault=sse_error_mid", "tokens=40,tpot=5"]) {
      const llm = world.client(world.endpoint(spec));
      for (let i = 0; i < 4; i += 1) for await (const _ of llm.stream("Hello!", MODEL)) break;
      await eventually(() => llm.stats().connections.open === 0, "they are closed");
      equal(llm.stats().connections.opened, 4, spec);
    }
  },

  async "disposing of a client made by withOptions closes no connection"(world) {
    const endpoint = world.endpointApart("tokens=2");
    const llm = world.client(endpoint);
    for (const timeout of [null, 5000]) {
      const made = llm.withOptions({ timeout });
      await made.generate("Hello!", MODEL);
      await eventually(() => made.stats().models[0]?.inFlight === 0, "it is over");
      made.dispose();
      await llm.generate("Hello!", MODEL);
      await eventually(() => llm.stats().models[0]?.inFlight === 0, "so is the next");
    }
    const { connections, requests } = await endpoint.truth();
    equal(requests, 4, "requests");
    check(connections <= 1, `${connections} connections`);
  },

  async "connections are counted where the platform tells"(world) {
    const llm = world.client(world.endpoint("tokens=2"));
    for (let i = 0; i < 3; i += 1) await llm.generate("Hello!", MODEL);
    await eventually(() => llm.stats().models[0]?.inFlight === 0, "all is over");
    const { opened, reused } = llm.stats().connections;
    if (world.place.runtime === "node") equal([opened, reused], [1, 2], "opened, reused");
    else equal([opened, reused], [undefined, undefined], "unknown");
  },
};
