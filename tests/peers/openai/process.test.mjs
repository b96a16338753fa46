// Processes: what keeps them alive (whoever waits for an answer, and nothing else), and how CommonJS takes
// the package.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { entry } from "./package.mjs";

/** A bound for a process that does not end by itself. */
const EXIT_MS_MAX = 20_000;

const WORD = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: { content: "word ".repeat(1000) }, finish_reason: null }] })}\n\n`;

let server;

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (request.url.includes("refused")) {
      response.writeHead(503, { "retry-after": "1" }).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    // More than any buffer on the way holds, and no end.
    for (let i = 0; i < 2000; i += 1) response.write(WORD);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
});
after(() => {
  server.close();
  server.closeAllConnections();
});

/** Runs a program with a client, and answers how it ended and what it said. */
function run(path, program) {
  const baseURL = `http://127.0.0.1:${server.address().port}/${path}`;
  const script = `
    import OpenAI from ${JSON.stringify(pathToFileURL(entry).href)};
    const client = new OpenAI({ apiKey: "k", baseURL: ${JSON.stringify(baseURL)}, maxRetries: 1, logLevel: "off" });
    const ask = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
    ${program}`;
  return node("--input-type=module", "-e", script);
}

async function node(...told) {
  const child = spawn(process.execPath, told, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  const bound = setTimeout(() => child.kill("SIGKILL"), EXIT_MS_MAX);
  const code = await new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal)));
  clearTimeout(bound);
  return [code, said];
}

test("a stream that is opened and never read keeps no process alive", async () => {
  const program = `await client.chat.completions.create({ ...ask, stream: true }); console.log("opened");`;
  assert.deepEqual(await run("endless", program), [0, "opened\n"]);
});

test("a stream that somebody left off reading keeps no process alive", async () => {
  const program = `
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    await stream[Symbol.asyncIterator]().next();
    console.log("read");`;
  assert.deepEqual(await run("endless", program), [0, "read\n"]);
});

test("a call that waits for its second attempt keeps the process alive, beside a stream that nobody reads", async () => {
  const program = `
    await client.withOptions({ baseURL: client.baseURL.replace("refused", "endless") })
      .chat.completions.create({ ...ask, stream: true });
    await client.chat.completions.create(ask).catch(({ status, attempts }) => console.log(status, attempts));`;
  assert.deepEqual(await run("refused", program), [0, "503 2\n"]);
});

test("CommonJS takes it by name", async () => {
  const program = `const { OpenAI, APIError } = require(${JSON.stringify(entry)});
    console.log(typeof new OpenAI({ apiKey: "k" }).chat.completions.create, new APIError() instanceof OpenAI.OpenAIError);`;
  assert.deepEqual(await node("--no-warnings", "-e", program), [0, "function true\n"]);
});

test("promises may descend from openai's, for libraries that ask", async () => {
  const program = `
    import { APIPromise } from ${JSON.stringify(pathToFileURL(entry).href)};
    import { APIPromise as Theirs } from ${JSON.stringify(import.meta.resolve("openai"))};
    Object.setPrototypeOf(APIPromise.prototype, Theirs.prototype);
    const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "x" } }];
    const fetch = async () => Response.json({ id: "c", choices });
    const promise = new OpenAI({ apiKey: "k", fetch }).chat.completions.create(ask);
    const { data, response } = await promise._thenUnwrap(({ id }) => ({ id })).withResponse();
    console.log(promise instanceof Theirs, data.id, response.status, (await promise).id);`;
  assert.deepEqual(await run("", program), [0, "true c 200 c\n"]);
});

test("a dispatcher in the place of the platform's is asked", async () => {
  const program = `
    import Theirs from ${JSON.stringify(import.meta.resolve("openai"))};
    import { Agent, MockAgent, setGlobalDispatcher } from ${JSON.stringify(import.meta.resolve("undici"))};
    const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "x" } }];
    const headers = { "content-type": "application/json" };
    let seen = 0;
    const counts = (dispatch) => (options, handler) => ((seen += 1), dispatch(options, handler));
    for (const Client of [Theirs, OpenAI]) {
      const mock = new MockAgent();
      mock.disableNetConnect();
      for (const dispatcher of [mock, new Agent().compose(() => mock.dispatch.bind(mock), counts)]) {
        mock.get("http://llm.test").intercept({ path: "/v1/chat/completions", method: "POST" }).reply(200, { id: "c", choices }, { headers });
        setGlobalDispatcher(dispatcher);
        const { id } = await new Client({ apiKey: "k", baseURL: "http://llm.test/v1", maxRetries: 0 }).chat.completions.create(ask);
        console.log(id, seen);
      }
    }
    setGlobalDispatcher(new Agent());
    await client.chat.completions.create({ ...ask, stream: true });
    console.log(client.stats().connections.opened);`;
  assert.deepEqual(await run("endless", program), [0, "c 0\nc 1\nc 1\nc 2\n1\n"]);
});
