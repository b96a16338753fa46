// Runs through the proxy of a kneepoint-server, which has the key.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { after, before, test } from "node:test";

import { certificate, certificateFile } from "../certificate/certificate.mjs";
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

test("an upstream that takes few requests on one connection gets as many at once as are asked for", async () => {
  const waiting = [];
  const few = createSecureServer({ ...certificate, allowHTTP1: true, settings: { maxConcurrentStreams: 2 } }, (request, response) => {
    request.resume();
    // Nobody is answered before four are there.
    if (waiting.push(response) < 4) return;
    for (const one of waiting.splice(0)) {
      one.writeHead(200, { "content-type": "application/json" });
      one.end(JSON.stringify({ id: "c", choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] }));
    }
  });
  few.listen(0, "127.0.0.1");
  await once(few, "listening");
  process.env.SSL_CERT_FILE = certificateFile;
  const proxy = await startServer("--upstream", `few=https://localhost:${few.address().port},key-env=KNEEPOINT_CLI_KEY`, "--upstream-silence", "5");
  try {
    const args = ["bench", "--url", `${proxy.http}/proxy/few/v1`, "--model", "m", "-n", "20", "-c", "4", "--prompt", "Hello!", "--no-stream", "--json", "-"];
    const { status, out, err } = await kneepoint(home, args);
    assert.equal(status, 0, err);
    assert.equal(JSON.parse(out).rungs[0].ok, 20);
  } finally {
    delete process.env.SSL_CERT_FILE;
    await proxy.stop();
    few.close();
  }
});

test("what the proxy refuses is told in its own words", async () => {
  const { status, err } = await kneepoint(home, through("nobody"));
  assert.equal(status, 1);
  assert.match(err, /no request was answered \(4xx: .*upstream/);
});
