// Calls that fail: each kind of failure, with the class, the phase and the data that it carries.

import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  type Kneepoint,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  UnprocessableEntityError,
} from "kneepoint";

import { check, eventually, equal, includes, settled } from "../assert.ts";
import { failure, KEY, MODEL, type Promises, read, told } from "../world.ts";

const STATUSES = [
  [400, BadRequestError, false],
  [401, AuthenticationError, false],
  [403, PermissionDeniedError, false],
  [404, NotFoundError, false],
  [409, ConflictError, true],
  [418, APIError, false],
  [422, UnprocessableEntityError, false],
  [429, RateLimitError, true],
  [500, InternalServerError, true],
  [503, InternalServerError, true],
  [529, InternalServerError, true],
] as const;

const statuses = Object.fromEntries(
  STATUSES.map(([status, Class, retryable]): [string, Promises[string]] => [
    `status ${status} is a ${Class.name}, whole and streamed`,
    async (world) => {
      const llm = world.client(world.endpoint(`fault=status_${status}`), { adaptive: false });
      const whole = await failure(llm.generate("Hello!", MODEL));
      const fresh = world.client(world.endpoint(`fault=status_${status}`), { adaptive: false });
      const { error: streamed, text } = await read(fresh.stream("Hello!", MODEL));
      equal(text, "", "text");
      for (const error of [whole, streamed]) {
        check(error !== undefined, "it failed");
        check((error.constructor as unknown) === Class, `class: found ${error.constructor.name}`);
        equal([error.kind, error.phase, error.status], ["status", "headers", status], "kind, phase, status");
        equal([error.retryable, error.attempts], [retryable, 1], "retryable, attempts");
        check(error.headers instanceof Headers, "header fields");
        includes(error.message, String(status), "message");
      }
    },
  ]),
);

/** Answers of 200 that are none: kind, and whether trying again may help. */
const FALSE_SUCCESSES = [
  ["html_200", "answer"],
  ["empty_200", "answer"],
  ["no_content_204", "answer"],
  ["bad_json", "answer"],
  ["json_error_200", "in_band"],
] as const;

const falseSuccesses = Object.fromEntries(
  FALSE_SUCCESSES.map(([fault, kind]): [string, Promises[string]] => [
    `${fault} is no success`,
    async (world) => {
      const llm = world.client(world.endpoint(`fault=${fault}`));
      const error = await failure(llm.generate("Hello!", MODEL));
      equal([error.kind, error.phase], [kind, "body"], "kind, phase");
      check(error instanceof APIError, "class");
    },
  ]),
);

/** Streams that say that something went wrong before their first content. */
const STREAM_FAULTS = [
  ["html_200", ["answer", "stream"]],
  ["empty_200", ["answer", "truncated"]],
  ["no_content_204", ["answer", "truncated"]],
  ["json_error_200", ["in_band"]],
  ["sse_error_first", ["in_band"]],
] as const;

const streamFaults = Object.fromEntries(
  STREAM_FAULTS.map(([fault, kinds]): [string, Promises[string]] => [
    `${fault} is no success of a stream`,
    async (world) => {
      const { text, error } = await read(world.client(world.endpoint(`fault=${fault}`)).stream("Hello!", MODEL));
      equal(text, "", "text");
      check(error !== undefined && (kinds as readonly string[]).includes(error.kind), `kind: found ${error?.kind}`);
      equal(error.partial, undefined, "nothing had arrived");
    },
  ]),
);

/** Streams that break after content: the kind behind the interruption shows in the class. */
const INTERRUPTIONS = [
  ["sse_error_mid@4", APIError],
  ["fin_mid@1500", APIConnectionError],
  ["reset_mid@1500", APIConnectionError],
  ["bad_chunk", APIConnectionError],
  ["finish_error", APIError],
  ["sse_top_level_error", APIError],
] as const;

const interruptions = Object.fromEntries(
  INTERRUPTIONS.filter(([, Class]) => Class !== undefined).map(([fault, Class]): [string, Promises[string]] => [
    `a stream that breaks by ${fault} fails with all that arrived`,
    async (world) => {
      const endpoint = world.endpoint(`tokens=60,chunk=1,tpot=1,fault=${fault}`);
      // What breaks before anything was handed out may be asked for again, and is.
      let sent: number | undefined;
      const { text, error } = await read(world.client(endpoint, { maxRetries: 2 }).stream("Hello!", MODEL), async () => {
        sent ??= (await endpoint.truth()).requests;
      });
      check(error instanceof (Class as typeof APIError), `class: found ${error?.constructor.name} ${error?.kind}`);
      if (text === "") {
        check(error.kind !== "interrupted", "nothing was interrupted");
      } else {
        equal([error.kind, error.phase], ["interrupted", "stream"], "kind, phase");
        equal(error.partial, text, "partial");
        equal((await endpoint.truth()).requests, sent, "nothing is retried after content");
      }
    },
  ]),
);

async function late(llm: Kneepoint, option: string, phase: string): Promise<void> {
  const error = await failure(llm.generate("Hello!", MODEL));
  check(error instanceof APIConnectionTimeoutError, `class: found ${error.constructor.name}`);
  equal([error.kind, error.option, error.phase], ["timeout", option, phase], "kind, clock, phase");
}

export const errors: Promises = {
  ...statuses,
  ...falseSuccesses,
  ...streamFaults,
  ...interruptions,

  async "the provider's error object reaches the caller"(world) {
    const error = await failure(world.client(world.endpoint("fault=quota_429")).generate("Hello!", MODEL));
    equal([error.status, error.code], [429, "insufficient_quota"], "status, code");
    check(typeof error.error === "object", "the object");
    equal([error.retryable, error.attempts], [false, 1], "a quota is not retried");
  },

  async "an HTML error page is cut short"(world) {
    const error = await failure(world.client(world.endpoint("fault=html_502")).generate("Hello!", MODEL));
    equal([error.kind, error.status], ["status", 502], "kind, status");
    check(error.message.length < 400, `message of ${error.message.length} characters`);
  },

  async "a server that nobody runs is a failure of the network"(world) {
    const error = await failure(world.client(`${world.place.closed}/v1`).generate("Hello!", MODEL));
    check(error instanceof APIConnectionError, "class");
    equal([error.kind, error.attempts, error.status], [world.network, 1, undefined], "kind, attempts, status");
    check(error.retryable, "it may pass");
    if (["node", "deno", "bun"].includes(world.place.runtime)) equal(error.phase, "connect", "phase");
  },

  async "a connection reset before the answer is a failure of the network"(world) {
    for (const fault of ["refuse", "reset_before_headers"]) {
      const error = await failure(world.client(world.endpoint(`fault=${fault}`)).generate("Hello!", MODEL));
      check(error instanceof APIConnectionError, `${fault}: class`);
      equal(error.kind, world.network, `${fault}: kind`);
    }
  },

  async "a body that is cut is no success, and no raw error"(world) {
    for (const fault of ["reset_mid@40", "fin_mid@40", "bad_chunk", "short_length", "gzip_cut"]) {
      const error = await failure(world.client(world.endpoint(`fault=${fault}`)).generate("Hello!", MODEL), fault);
      check(["network", "opaque", "answer", "truncated"].includes(error.kind), `${fault}: kind ${error.kind}`);
    }
  },

  async "a redirect is refused, and its target sees nothing"(world) {
    const endpoint = world.endpoint("fault=redirect_307");
    const error = await failure(world.client(endpoint).generate("Hello!", MODEL));
    check(error instanceof APIConnectionError, "class");
    equal(error.retryable, false, "retryable");
    const { redirected, redirected_credentials } = await endpoint.truth();
    equal([redirected, redirected_credentials], [0, 0], "visitors of the target");
  },

  async "timeout ends the whole call, attempts and waits included"(world) {
    await late(world.client(world.endpoint("fault=stall_headers"), { timeout: 120 }), "timeout", "headers");
    const retried = world.endpoint("fault=stall_headers");
    const llm = world.client(retried, { timeout: 300, attemptTimeout: 50, maxRetries: 50 });
    equal((await failure(llm.generate("Hello!", MODEL))).kind, "timeout", "kind");
  },

  async "timeout ends a call whose body stalls"(world) {
    await late(world.client(world.endpoint("fault=stall_mid@20"), { timeout: 200 }), "timeout", "body");
  },

  async "a call may have a timeout of its own"(world) {
    const llm = world.client(world.endpoint("fault=stall_headers"));
    equal((await failure(llm.generate("Hello!", { ...MODEL, timeout: 80 }))).option, "timeout", "clock");
  },

  async "timeout ends a call in the queue"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const llm = world.client(endpoint, { concurrency: 1 });
    const first = failure(llm.generate("Hello!", MODEL));
    const error = await failure(llm.generate("Hello!", { ...MODEL, timeout: 100 }));
    equal([error.kind, error.phase, error.attempts], ["timeout", "queue", 0], "kind, phase, attempts");
    llm.dispose();
    await first;
  },

  async "attemptTimeout ends an attempt"(world) {
    await late(world.client(world.endpoint("fault=stall_headers"), { attemptTimeout: 80 }), "attemptTimeout", "headers");
  },

  async "firstTokenTimeout ends a stream without content"(world) {
    for (const rules of ["fault=stall_mid@0", "ttft=8000"]) {
      const endpoint = world.endpoint(rules);
      const { error } = await read(world.client(endpoint, { firstTokenTimeout: 120 }).stream("Hello!", MODEL));
      equal([error?.kind, error?.option], ["timeout", "firstTokenTimeout"], rules);
      await endpoint.until((truth) => truth.in_flight === 0, `${rules}: the endpoint sees the end`);
    }
  },

  async "idleTimeout interrupts a stream that falls silent"(world) {
    const endpoint = world.endpoint("tokens=60,chunk=1,fault=stall_mid@1500");
    const { text, error } = await read(world.client(endpoint, { idleTimeout: 150 }).stream("Hello!", MODEL));
    equal([error?.kind, error?.option, error?.phase], ["interrupted", "idleTimeout", "stream"], "kind, clock, phase");
    const noisy = world.endpoint("fault=endless_comments");
    const { error: other } = await read(world.client(noisy, { idleTimeout: 150 }).stream("Hello!", MODEL));
    equal([other?.kind, other?.option], ["interrupted", "idleTimeout"], "comments are no content");
    check(error instanceof APIConnectionTimeoutError, "class");
    check(text !== "" && error.partial === text, "what arrived is kept");
  },

  async "what came in time counts, though the program was busy until its time was over"(world) {
    const endpoint = world.endpoint("ttft=200,tokens=4");
    // Longer than it takes to answer by far, so that it is this program and nobody else that is late.
    const late = 1500;
    const clocks = [{ timeout: late }, { attemptTimeout: late }, { firstTokenTimeout: late }];
    const calls = clocks.map((clock) => {
      const llm = world.client(endpoint, clock);
      return Promise.all([llm.generate("Hello!", MODEL), llm.stream("Hello!", MODEL).result()]);
    });
    await endpoint.until((truth) => truth.requests === 2 * clocks.length, "they are under way");
    const began = performance.now();
    while (performance.now() - began < late + 200);
    for (const { usage } of (await settled(Promise.all(calls), "the calls")).flat()) equal(usage?.outputTokens, 4, "tokens");
  },

  async "a full queue says so at once"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const llm = world.client(endpoint, { concurrency: 1, maxQueue: 2 });
    const waiting = [0, 1, 2].map(() => failure(llm.generate("Hello!", MODEL)));
    const error = await failure(llm.generate("Hello!", MODEL));
    equal([error.kind, error.phase, error.attempts, error.retryable], ["queue_full", "queue", 0, true], "the error");
    llm.dispose();
    await Promise.all(waiting);
  },

  async "a wait that is too long fails now and says how long, and pauses the calls after it"(world) {
    const endpoint = world.endpoint("fault=retry_after_90");
    const llm = world.client(endpoint, { maxRetries: 3 });
    const error = await failure(llm.generate("Hello!", MODEL));
    equal([error.kind, error.attempts], ["status", 1], "kind, attempts");
    if (!world.isOpaque) equal(error.retryAfter, 90_000, "the wait");
    const paused = await failure(llm.generate("Hello!", { ...MODEL, timeout: 200 }));
    check(["paused", "timeout"].includes(paused.kind), `kind: found ${paused.kind}`);
    equal(paused.phase, "queue", "phase");
    equal((await endpoint.truth()).requests, 1, "requests");
  },

  async "a wait that a gateway passes on from its upstream is obeyed"(world) {
    const refusal = (): Promise<Response> =>
      Promise.resolve(new Response('{"error":{"message":"slow down"}}', { status: 429, headers: { "llm_provider-retry-after": "90" } }));
    const llm = world.client(world.endpoint(""), { fetch: refusal, maxRetries: 3 });
    const error = await failure(llm.generate("Hello!", MODEL));
    equal([error.kind, error.attempts, error.retryAfter], ["status", 1, 90_000], "kind, attempts, the wait");
  },

  async "an endless line or event ends in an error, not in memory"(world) {
    for (const fault of ["endless_line", "endless_data"]) {
      const endpoint = world.endpoint(`fault=${fault}`);
      const { error } = await read(world.client(endpoint).stream("Hello!", MODEL));
      check(error !== undefined, `${fault}: it ended well`);
      check(["stream", "too_long", "interrupted"].includes(error.kind), `${fault}: kind ${error.kind}`);
      await endpoint.until((truth) => truth.in_flight === 0, "the connection is closed");
    }
  },

  async "the key is in no error, event, figure or line of the log"(world) {
    const lines: string[] = [];
    const logger = { error: note, warn: note, info: note, debug: note };
    function note(...words: unknown[]) {
      lines.push(words.map((word) => told(word)).join(" "));
    }
    const echo = (status: number, type: string) => async () =>
      new Response(`{"error":{"message":"Incorrect API key: ${KEY}","code":"${KEY}"}}`, { status, headers: { "content-type": type } });
    const fetches: (() => Promise<Response>)[] = [
      echo(401, "application/json"),
      echo(200, "application/json"),
      echo(500, "text/plain"),
      async () => new Response(`<html><title>${KEY}</title></html>`, { headers: { "content-type": "text/html" } }),
      async () => new Response(`data: {"error":{"message":"${KEY}"}}\n\n`, { headers: { "content-type": "text/event-stream" } }),
      async () => {
        throw new TypeError(`Headers.append: "Bearer ${KEY}" is an invalid header value`);
      },
    ];
    for (const fetch of fetches) {
      const llm = world.client(world.place.closed, {
        fetch, logger, logLevel: "debug", onAttempt: (event) => lines.push(JSON.stringify(event)),
      });
      await failure(llm.generate("Hello!", MODEL));
      lines.push(told((await read(llm.stream("Hello!", MODEL))).error), JSON.stringify(llm.stats()));
    }
    await eventually(() => lines.length > 2 * fetches.length, "events arrive");
    const leak = lines.find((line) => line.includes(KEY));
    check(leak === undefined, `found ${leak}`);
  },

  async "a fetch that answers nonsense is a typed error"(world) {
    const answers = [undefined, null, {}, "text", { status: 200 }, { status: 200, headers: { get: () => null } }];
    for (const answer of answers) {
      const llm = world.client(world.place.closed, { fetch: (async () => answer) as unknown as typeof fetch });
      const error = await failure(llm.generate("Hello!", MODEL), String(answer));
      check(["network", "opaque"].includes(error.kind), `kind for ${JSON.stringify(answer)}: found ${error.kind}`);
      if (!world.isOpaque) includes(error.message, "no Response", `the words for ${JSON.stringify(answer)}`);
    }
  },

  async "whatever a fetch throws is a typed error"(world) {
    const throwing = (): never => {
      throw new Error("asked");
    };
    const thrown: Record<string, unknown> = {
      nothing: undefined,
      null: null,
      "a number": 7,
      "what has no text": Object.create(null),
      "what fails when it is read as text": { toString: throwing },
      "what fails when it is looked at": new Proxy({}, { get: throwing }),
      "an error without words": Object.defineProperty(new Error(), "message", { get: throwing }),
      "an error of errors": Object.assign(new Error("", { cause: { cause: Object.create(null) } }), { code: 7 }),
    };
    for (const [name, value] of Object.entries(thrown)) {
      const fetches = [() => Promise.reject(value), (): never => { throw value; }];
      for (const fetch of fetches) {
        const error = await failure(world.client(world.place.closed, { fetch }).generate("Hello!", MODEL), name);
        check(["network", "opaque"].includes(error.kind), `kind for ${name}: found ${error.kind}`);
      }
    }
  },
};
