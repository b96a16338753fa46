// `kneepoint knee` against servers whose answer is known. Here are those that a machine with much else
// to do finds as well; `cargo xtask bench knees` tries all of them, with three seeds each.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { climb } from "../knees/climb.mjs";
import { SERVERS, wrong } from "../knees/servers.mjs";
import { startServer } from "../peers/sdk/server.mjs";
import { install } from "./command.mjs";

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

// How steady this machine is is not what is tried here.
const ONCE = { repeat: false };

/** Climbs, and answers the report and the server's own counts. */
async function climbed(one, more, during) {
  const { status, err, report, truth } = await climb(home, server.http, one, 1, { more, during });
  assert.equal(status, 0, err);
  assert.match(err, /N +for +req\/s/, "each rung is shown when it was measured");
  return { ...report, truth };
}

/** Climbs on one of the known servers, and holds the answer against what is known. */
async function found(name) {
  const known = SERVERS.find((one) => one.name === name);
  const report = await climbed(known, ONCE);
  assert.deepEqual(wrong(known, report.answer, report.truth), [], JSON.stringify(report.answer));
  return report;
}

describe("the ladder finds", { concurrency: true }, () => {
  test("the limit of a server that refuses beyond twenty", async () => {
    const { answer, method } = await found("20 in flight, then 429");
    assert.ok(answer.limit.value >= 18 && answer.limit.value <= 20, JSON.stringify(answer.limit));
    assert.ok(answer.knee.value <= answer.limit.value && answer.peak.value <= answer.limit.value);
    assert.equal(method.retries, false);
  });

  test("the knee of a server with 32 slots and a queue", async () => {
    const { answer, config } = await found("a scheduler of 32 slots");
    assert.equal(answer.limit, null);
    assert.equal(config.cache_mode, "unique");
  });

  test("the knee of a server with 4 slots", async () => {
    await found("4 slots");
  });

  test("how many requests are under way where five a second are allowed", async () => {
    // Half a second each, and a bucket in place of minutes: else it would take as many.
    const spec = "rps=5:5,ttft=450,tpot=2.5,tokens=20";
    const one = { spec, flags: ["--first", "2"], ladder: { window_min_s: 3, verify_s: 3 } };
    const { answer } = await climbed(one, ONCE);
    assert.equal(answer.stop.value, "rate_limited");
    assert.ok(answer.limit.value >= 2 && answer.limit.value <= 3, JSON.stringify(answer.limit));
  });

  test("no knee where a server becomes another one meanwhile, and says so", async () => {
    const one = { spec: "slots=4,queue=10000,ttft=50,tpot=2.5,tokens=20", flags: ["--max", "8"] };
    // Once the climb is over, somebody else takes two thirds of the server.
    const others = (child) => {
      let asking = false;
      child.stderr.on("data", (chunk) => {
        if (asking || !/ refine /.test(chunk)) return;
        asking = true;
        for (let count = 0; count < 8; count += 1) void busy(one, child);
      });
    };
    const { answer } = await climbed(one, { window_min_s: 1 }, others);
    assert.equal(answer.stability.stable, false, JSON.stringify(answer));
    assert.match(answer.stability.reason, /^drifting, repeat/);
    assert.deepEqual([answer.knee, answer.peak], [null, null]);
  });
});

/** Asks again and again for as long as a process lives. */
async function busy({ spec }, child) {
  const url = `${server.http}/mock/${spec},seed=1/v1`;
  const request = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hello!" }] }),
  };
  while (child.exitCode === null) {
    await (await fetch(`${url}/chat/completions`, request)).text();
  }
}
