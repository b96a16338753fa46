// What visitors are told when they do not get what they asked for.

import assert from "node:assert/strict";

import { ask, exchange } from "./visitor.mjs";
import { eventually, KEY } from "./world.mjs";

const big = "x".repeat(1024 * 1024);

export const refusals = {
  async "what cannot be answered is refused with a word on what would be right"(world) {
    const { origin } = await world.main();
    const post = (body) => ({ body: typeof body === "string" ? body : JSON.stringify(body) });
    // prettier-ignore
    const cases = [
      // path, how, status, code, what the advice names
      ["/generate", {}, 400, "bad_prompt", "?prompt="],
      ["/generate?prompt=", {}, 400, "bad_prompt", "empty"],
      ["/generate?prompt=%20%20", {}, 400, "bad_prompt", "empty"],
      ["/generate", post({ prompt: 7 }), 400, "bad_prompt", "no text"],
      ["/generate", post({ promt: "Hello!" }), 400, "bad_prompt", "missing"],
      ["/generate", post("prompt=Hello!"), 400, "not_json", "JSON"],
      ["/generate", post("null"), 400, "not_json", "JSON"],
      ["/generate", post("\ufeff{}"), 400, "bad_prompt", "missing"],
      ["/generate", post({ prompt: big }), 413, "too_large", "256 KiB"],
      ["/generate", { ...post({ prompt: big }), headers: { "transfer-encoding": "chunked" } }, 413, "too_large", "256 KiB"],
      ["/generate", { method: "GET" }, 405, "wrong_method", "POST"],
      ["/generate", { method: "PUT", ...post({ prompt: "Hello!" }) }, 405, "wrong_method", "POST"],
      ["/generate_claude", {}, 400, "bad_prompt", "?prompt="],
      ["/stream", {}, 400, "bad_prompt", "?prompt="],
      ["/batch", post({}), 400, "bad_prompts", "prompts"],
      ["/batch", post({ prompts: [] }), 400, "bad_prompts", "1 to 50"],
      ["/batch", post({ prompts: Array(51).fill("x") }), 400, "bad_prompts", "1 to 50"],
      ["/batch", post({ prompts: ["x", ""] }), 400, "bad_prompt", "prompts[1]"],
      ["/batch", post({ prompts: "x" }), 400, "bad_prompts", "prompts"],
      ["/health", {}, 405, "wrong_method", "GET"],
      ["/", { method: "GET" }, 404, "unknown_route", "/generate"],
      ["/toString", {}, 404, "unknown_route", "/generate"],
    ];
    for (const [path, how, status, code, advice] of cases) {
      const answer = await ask(origin, path, how);
      const what = `${how.method ?? "POST"} ${path} ${how.body?.slice(0, 40)}: ${answer.status} ${answer.text.slice(0, 200)}`;
      assert.equal(answer.status, status, what);
      assert.equal(answer.json?.error.code, code, what);
      assert.ok(answer.json.error.message.includes(advice), what);
      assert.equal(answer.headers["cache-control"], "private, no-store", what);
      if (status === 405) assert.ok(answer.headers.allow, what);
    }
  },

  async "what the model's server does wrong has an honest status"(world) {
    const { origin } = await world.main();
    // prettier-ignore
    const cases = [
      ["fault=status_400", 400, "prompt_refused"],
      ["fault=status_422", 422, "prompt_refused"],
      ["fault=status_401", 502, "key_refused"],
      ["fault=status_403", 502, "key_refused"],
      ["fault=status_404", 502, "upstream_failed"],
      ["fault=quota_429", 502, "no_credit"],
      ["fault=html_200", 502, "upstream_failed"],
      ["fault=empty_200", 502, "upstream_failed"],
      ["fault=bad_json", 502, "upstream_failed"],
      ["fault=redirect_307", 502, "upstream_failed"],
    ];
    for (const [rules, status, code] of cases) {
      for (const path of ["/generate", "/stream"]) {
        const { prompt } = world.rules(rules);
        const answer = await ask(origin, path, { body: JSON.stringify({ prompt: prompt() }) });
        const what = `${path} ${rules}: ${answer.status} ${answer.text}`;
        assert.equal(answer.status, status, what);
        assert.equal(answer.json?.error.code, code, what);
      }
    }
  },

  async "what the model's server asks to wait is passed on"(world) {
    // prettier-ignore
    const cases = [
      ["/generate", "fault=status_429,retry_after=30", 429, "rate_limited"],
      ["/generate_claude", "fault=status_503,retry_after=30", 503, "overloaded"],
      ["/stream", "fault=status_429,retry_after=30", 429, "rate_limited"],
      ["/stream", "fault=status_503,retry_after=30", 503, "overloaded"],
    ];
    for (const [path, rules, status, code] of cases) {
      // Each has clients of its own, which then wait as they were told.
      const { origin } = await world.endpoint();
      const { prompt, truth } = world.rules(rules);
      const answer = await ask(origin, path, { body: JSON.stringify({ prompt: prompt() }) });
      const what = `${path} ${rules}: ${answer.status} ${answer.text}`;
      assert.equal(answer.status, status, what);
      assert.deepEqual([answer.json.error.code, answer.json.error.retry_after], [code, 30], what);
      assert.equal(answer.headers["retry-after"], "30", what);
      assert.equal((await truth()).requests, 1, "nobody asks again before that");
    }
  },

  async "an answer that does not come within ten seconds is given up"(world) {
    const { origin } = await world.main();
    const { prompt, truth } = world.rules("fault=stall_headers");
    const answer = await ask(origin, "/generate", { body: JSON.stringify({ prompt: prompt() }) });
    assert.deepEqual([answer.status, answer.json.error.code], [504, "timeout"], answer.text);
    await eventually(async () => (await truth()).in_flight === 0, "the call is given up");
  },

  async "nor is a stream waited for that has not begun by then, though it might later"(world) {
    const { origin } = await world.endpoint();
    // prettier-ignore
    const cases = [
      ["ttft=60000,tokens=2", 504, "timeout"],
      // A stream may take two minutes, in which the client would try it again many times.
      ["fault=status_503,retry_after=off", 503, "busy"],
    ];
    for (const [rules, status, code] of cases) {
      const { prompt, truth } = world.rules(rules);
      const answer = await ask(origin, "/stream", { body: JSON.stringify({ prompt: prompt() }) });
      assert.deepEqual([answer.status, answer.json.error.code], [status, code], answer.text);
      await eventually(async () => (await truth()).in_flight === 0, "the call is given up");
    }
  },

  async "a server that is not there is told as such"(world) {
    const { origin } = await world.endpoint({ OPENAI_BASE_URL: await world.nowhere() });
    for (const path of ["/generate?prompt=x", "/stream?prompt=x"]) {
      const { status, json } = await ask(origin, path);
      assert.deepEqual([status, json.error.code], [502, "upstream_failed"], path);
    }
    const { status, json } = await ask(origin, "/batch", { body: '{"prompts":["x","y"]}' });
    assert.deepEqual([status, ...json.results.map(({ error }) => error.code)], [200, "upstream_failed", "upstream_failed"]);
  },

  async "a key that is missing is named, and each provider has its own"(world) {
    const { origin } = await world.endpoint({ OPENAI_API_KEY: undefined });
    for (const path of ["/generate?prompt=x", "/stream?prompt=x"]) {
      const { status, json } = await ask(origin, path);
      assert.deepEqual([status, json.error.code], [500, "no_key"], path);
      assert.ok(json.error.message.includes("OPENAI_API_KEY"), json.error.message);
    }
    const { prompt } = world.rules("tokens=2");
    const claude = await ask(origin, "/generate_claude", { body: JSON.stringify({ prompt: prompt() }) });
    assert.equal(claude.status, 200, claude.text);
  },

  async "the key is told nobody, and no error says where in the code it was made"(world) {
    const { origin } = await world.main();
    for (const path of ["/generate", "/generate_claude", "/stream"]) {
      for (const prompt of ["echo my secret", "mumble my secret"]) {
        const answer = await ask(origin, path, { body: JSON.stringify({ prompt }) });
        assert.equal(answer.status, 502, answer.text);
        const all = JSON.stringify(answer.headers) + answer.text;
        assert.ok(!all.includes(KEY), all);
        assert.ok(!/\bat .*:\d+|\.js/.test(all), all);
      }
    }
    const batch = await ask(origin, "/batch", { body: '{"prompts":["echo"]}' });
    assert.equal(batch.json.results[0].error.code, "key_refused");
    assert.ok(!batch.text.includes(KEY), batch.text);
    assert.ok(!world.logs().includes(KEY), "no log holds the key");
    assert.ok(!world.logs().includes("my secret"), "no log holds a prompt, not even where the server repeats it");
  },
};

/** Of what the runtimes leave to the endpoint; Workers are given addresses that have been read. */
export const addresses = {
  async "an address is understood in each of its forms, and one that is none is said to be none"(world) {
    const { origin } = await world.main();
    const { host } = new URL(origin);
    // prettier-ignore
    const cases = [
      // target, Host, status
      ["/health", host, 200],
      [`${origin}/health`, host, 200],
      ["/health", "no host", 400],
      ["/health", "[", 400],
    ];
    for (const [target, name, status] of cases) {
      const said = await exchange(origin, `GET ${target} HTTP/1.1\r\nhost: ${name}\r\nconnection: close\r\n\r\n`);
      assert.ok(said.startsWith(`HTTP/1.1 ${status} `), `${target}, Host ${name}: ${said.slice(0, 200)}`);
      assert.ok(!/\bat .*:\d+|\.js/.test(said), said);
    }
  },
};
