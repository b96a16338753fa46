// Runs through the proxy of a kneepoint-server, which has the key.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startServer } from "../peers/sdk/server.mjs";
import { install, kneepoint } from "./command.mjs";

const SPEC = "ttft=10,tpot=1,tokens=8";

let upstream;
let server;
let home;
before(async () => {
  home = install();
  process.env.KNEEPOINT_CLI_KEY = "sk-upstream-of-the-proxy-0002";
  upstream = await startServer();
  server = await startServer("--upstream", `behind=${upstream.http}/mock/${SPEC},key-env=KNEEPOINT_CLI_KEY`);
});
after(async () => {
  await server?.stop();
  await upstream?.stop();
  home?.remove();
});

const through = (name) => ["bench", "--url", `${server.http}/proxy/${name}/v1`, "--model", "m", "-n", "20", "-c", "4", "--prompt", "Hello!", "--max-tokens", "8"];
const counts = async () => (await fetch(`${upstream.http}/mock/${SPEC}/stats`)).json();

test("its token is asked for where a key is wanted, and the upstream is measured", async () => {
  for (const provider of ["openai", "anthropic"]) {
    const { completed } = await counts();
    // A key of the user's own would be refused there: it is not sent.
    const env = { OPENAI_API_KEY: "sk-of-the-user", ANTHROPIC_API_KEY: "sk-of-the-user" };
    const { status, out, err } = await kneepoint(home, [...through("behind"), "--provider", provider, "--json", "-"], { env });
    assert.equal(status, 0, err);
    const { rungs } = JSON.parse(out);
    assert.equal(rungs[0].ok, 20, provider);
    assert.equal((await counts()).completed - completed, 20, provider);
    assert.ok(!out.includes("x-kneepoint-token") && !err.includes("sk-of-the-user"));
  }
});

test("both sides of a comparison may be upstreams of a proxy", async () => {
  const url = `${server.http}/proxy/behind/v1`;
  const { completed } = await counts();
  const args = ["compare", "--a", url, "--b", url, "--model", "m", "-n", "4", "-c", "2", "--prompt", "Hello!", "--max-tokens", "8"];
  const env = { OPENAI_API_KEY: "sk-of-the-user" };
  const { status, out, err } = await kneepoint(home, args, { env });
  assert.equal(status, 0, err);
  assert.match(out, /^figure /);
  assert.equal((await counts()).completed - completed, 40);
});

test("what the proxy refuses is told in its own words", async () => {
  const { status, err } = await kneepoint(home, through("nobody"));
  assert.equal(status, 1);
  assert.match(err, /no request was answered \(4xx: .*upstream/);
});
