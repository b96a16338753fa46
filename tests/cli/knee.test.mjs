// `kneepoint knee` against servers whose knee and limit are known.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startServer } from "../peers/sdk/server.mjs";
import { install, kneepoint } from "./command.mjs";

let server;
let home;
before(async () => {
  home = install();
  server = await startServer();
});
after(async () => {
  await server?.stop();
  home?.remove();
});

const SHORT = [
  "window_min_s=0.5",
  "window_max_s=3",
  "settle_s=2",
  "completions_min=20",
  "verify_s=1",
  "recover_s=2",
  "rest_s=0.1",
  "repeat=false",
  // Whether this machine is busy is not what is tried here.
  "stop_client_bound=false",
];

async function answer(spec, ...more) {
  const url = `${server.http}/mock/${spec}/v1`;
  const args = ["knee", "--url", url, "--model", "m", "--max-tokens", "20", "--ladder", SHORT.join()];
  const { status, out, err } = await kneepoint(home, [...args, ...more, "--json", "-"]);
  assert.equal(status, 0, err);
  assert.match(err, /N +for +req\/s/, "each rung is shown when it was measured");
  return JSON.parse(out);
}

describe("the ladder finds", { concurrency: true }, () => {
  test("the limit of a server that refuses beyond twenty", async () => {
    const spec = "slots=20,ttft=100,tpot=5,tokens=20,retry_after=100ms";
    const { answer: found, method } = await answer(spec, "--max", "64");
    assert.equal(found.stop.value, "rate_limited");
    assert.ok(found.limit.value >= 18 && found.limit.value <= 20, JSON.stringify(found.limit));
    assert.ok(found.knee.value <= found.limit.value && found.peak.value <= found.limit.value);
    assert.equal(method.retries, false);
  });

  test("the knee of a server with 32 slots and a queue", async () => {
    const spec = "slots=32,queue=10000,ttft=100,tpot=5,tokens=20";
    const { answer: found, config } = await answer(spec, "--max", "128");
    assert.ok(found.knee.value >= 23 && found.knee.value <= 45, JSON.stringify(found));
    assert.equal(found.limit, null);
    assert.equal(config.cache_mode, "unique");
  });
});
