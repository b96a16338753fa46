// TLS and HTTP/2 on Node: many calls on one connection, as its server allows, and what becomes of them where it
// ends, or never comes about.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, createSecureServer } from "node:http2";
import { createServer } from "node:https";
import { connect, createServer as createPlainServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { pathToFileURL } from "node:url";
import { test } from "node:test";

import { certificate, certificateFile } from "../../certificate/certificate.mjs";
import { entry } from "./package.mjs";

// Nobody has signed the certificate; Node says once that it is not looked at.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
const { default: OpenAI, APIConnectionError, APIConnectionTimeoutError } = await import(pathToFileURL(entry).href);

const ASK = { model: "m", messages: [{ role: "user", content: "Hello!" }] };
const STREAM = { ":status": 200, "content-type": "text/event-stream" };
const said = (delta, more = {}) => `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta, ...more }] })}\n\n`;
const END = `${said({}, { finish_reason: "stop" })}data: [DONE]\n\n`;

/** Answers a call with one word. */
function answer(stream) {
  stream.respond({ ":status": 200, "content-type": "application/json" });
  stream.end(JSON.stringify({ id: "c", choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] }));
}

/** Serves while a test lasts. `work` is handed each request's stream, how many came before it, and its head. */
async function serve(t, work, settings = {}) {
  const sessions = [];
  let requests = 0;
  const server = createSecureServer({ ...certificate, settings, maxSessionMemory: 1000 });
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, head) => {
    stream.on("error", () => {});
    stream.resume();
    requests += 1;
    work(stream, requests - 1, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseURL = `https://localhost:${server.address().port}/v1`;
  const client = new OpenAI({ apiKey: "k", baseURL, maxRetries: 1, logLevel: "off" });
  t.after(() => {
    client.dispose();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { baseURL, client, sessions, count: () => requests };
}

const create = (client, options) => client.chat.completions.create(ASK, options);
const open = (client, options) => client.chat.completions.create({ ...ASK, stream: true }, options);

async function text(stream) {
  let all = "";
  for await (const chunk of stream) all += chunk.choices[0].delta.content ?? "";
  return all;
}

test("calls at once are on the wire at once, on one connection", async (t) => {
  const waiting = [];
  const { client, sessions } = await serve(t, (stream) => {
    // None is answered before all are there.
    if (waiting.push(stream) === 20) for (const one of waiting) answer(one);
  });
  const answers = await Promise.all(Array.from({ length: 20 }, () => create(client)));
  assert.ok(answers.every(({ choices }) => choices[0].message.content === "Hi"));
  assert.equal(sessions.length, 1);
  assert.equal(client.stats().connections.opened, 1);
});

test("an answer may have many header fields, and long ones", async (t) => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`x-${i}`, "a".repeat(100)]));
  const { client, sessions } = await serve(t, (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/json", ...many, "x-long": "a".repeat(30_000) });
    stream.end('{"id":"c"}');
  });
  const { headers } = await client.get("/x").asResponse();
  assert.deepEqual([headers.get("x-299").length, headers.get("x-long").length, sessions.length], [100, 30_000, 1]);
});

test("where a connection takes few, others are opened, and nothing is refused", async (t) => {
  const waiting = [];
  const under = new Map();
  let most = 0;
  const work = (stream) => {
    const { session } = stream;
    under.set(session, (under.get(session) ?? 0) + 1);
    most = Math.max(most, under.get(session));
    if (waiting.push(stream) === 20) for (const one of waiting) answer(one);
  };
  const { client, count } = await serve(t, work, { maxConcurrentStreams: 5 });
  await Promise.all(Array.from({ length: 20 }, () => create(client)));
  assert.deepEqual([count(), most, under.size], [20, 5, 4]);
});

test("a server that wants no more requests on a connection still ends those under way there", async (t) => {
  const { client, sessions, count } = await serve(t, (stream, before) => {
    if (before > 0) return answer(stream);
    stream.respond(STREAM);
    stream.write(said({ content: "one " }));
    stream.session.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
    setTimeout(() => stream.end(said({ content: "two" }) + END), 100);
  });
  const stream = await open(client);
  const pieces = stream[Symbol.asyncIterator]();
  await pieces.next();
  assert.equal((await create(client)).choices[0].message.content, "Hi");
  assert.equal((await pieces.next()).value.choices[0].delta.content, "two");
  assert.deepEqual([sessions.length, count()], [2, 2]);
});

test("a request that the server has not looked at is sent again", async (t) => {
  const { client, sessions, count } = await serve(t, (stream, before) => {
    if (before === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else answer(stream);
  });
  assert.equal((await create(client)).choices[0].message.content, "Hi");
  assert.deepEqual([sessions.length, count()], [1, 2]);
});

// Proxies do so after a number of requests, and where their configuration is loaded anew.
test("requests that a server has not looked at where it ends a connection go by another, in their order", async (t) => {
  const taken = new Map();
  const served = [];
  const { client, sessions } = await serve(t, (stream, _, head) => {
    const { session } = stream;
    const count = (taken.get(session) ?? 0) + 1;
    taken.set(session, count);
    if (count > 10) return;
    served.push(Number(head["x-call"]));
    answer(stream);
    if (count === 10) session.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
  });
  const all = Array.from({ length: 60 }, (_, call) => create(client, { maxRetries: 0, headers: { "x-call": String(call) } }));
  await Promise.all(all);
  assert.deepEqual(served, Array.from(all.keys()));
  assert.equal(sessions.length, 6);
  assert.equal(client.stats().attempts, 60);
});

test("a server that ends each connection before it has served anybody is not asked for ever", async (t) => {
  let opened = 0;
  const server = createTlsServer({ ...certificate, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("error", () => {});
    opened += 1;
    // Its settings; then that there was no last request, and all is well.
    socket.write(Buffer.from("000000040000000000", "hex"));
    setTimeout(() => socket.write(Buffer.from("0000080700000000000000000000000000", "hex")), 100);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${server.address().port}/v1`, maxRetries: 1, logLevel: "off" });
  t.after(() => (client.dispose(), server.close()));
  const error = await create(client).catch((error) => error);
  assert.ok(error instanceof APIConnectionError);
  assert.equal(error.cause.code, "ERR_HTTP2_REFUSED_STREAM");
  assert.equal(opened, 2);
});

test("long requests at once are each answered, and sent once", async (t) => {
  const { client, count } = await serve(t, (stream) => answer(stream));
  const long = { ...ASK, messages: [{ role: "user", content: "w".repeat(4 << 20) }] };
  await Promise.all(Array.from({ length: 20 }, () => client.chat.completions.create(long, { maxRetries: 0 })));
  assert.equal(count(), 20);
});

test("what is left of a request that was answered before it was read is taken back", async (t) => {
  let closed;
  const { client } = await serve(t, (stream) => {
    stream.pause();
    closed = once(stream, "close").then(() => stream.rstCode);
    stream.respond({ ":status": 413, "content-type": "text/html" });
    stream.end("<h1>413 Request Entity Too Large</h1>");
  });
  const long = { ...ASK, messages: [{ role: "user", content: "w".repeat(4 << 20) }] };
  const error = await client.chat.completions.create(long).catch((error) => error);
  assert.equal(error.status, 413);
  assert.equal(await closed, constants.NGHTTP2_CANCEL);
});

test("a stream that is taken back, or lost with its connection, is a failure", async (t) => {
  for (const end of [
    (stream) => stream.close(constants.NGHTTP2_CANCEL),
    (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    (stream) => stream.close(constants.NGHTTP2_NO_ERROR),
    (stream) => stream.session.destroy(),
  ]) {
    const { client } = await serve(t, (stream) => {
      stream.respond(STREAM);
      stream.write(said({ content: "one" }));
      setTimeout(() => end(stream), 50);
    });
    await assert.rejects(text(await open(client)), APIConnectionError, String(end));
  }
});

test("an answer that is cut off is not taken for a whole one", async (t) => {
  const { client } = await serve(t, (stream) => {
    stream.respond({ ":status": 200, "content-type": "text/plain" });
    stream.write("one");
    setTimeout(() => stream.session.destroy(), 50);
  });
  await assert.rejects(client.get("/files/f/content"), APIConnectionError);
});

test("an answer that has come is whole even where its connection ends before it is read", async (t) => {
  const { client } = await serve(t, (stream) => {
    stream.respond(STREAM);
    stream.end(said({ content: "w".repeat(1000) }).repeat(150) + END);
    stream.once("finish", () => stream.session.close());
  });
  let length = 0;
  for await (const { choices } of await open(client)) {
    if (length === 0) await new Promise((resolve) => setTimeout(resolve, 200));
    length += choices[0].delta.content?.length ?? 0;
  }
  assert.equal(length, 150_000);
});

// Node then tells of some bodies before it tells of their heads.
test("many calls at once, some taken back at either end, are each answered or fail", async (t) => {
  const { client } = await serve(t, (stream, before) => {
    if (before % 10 === 3) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else if (before % 10 !== 4) answer(stream);
  });
  // It would end a process; the runner of tests goes on.
  const thrown = [];
  const note = (error) => thrown.push(error);
  process.on("uncaughtException", note);
  t.after(() => process.off("uncaughtException", note));
  let [left, answered] = [2000, 0];
  const work = async () => {
    for (; left > 0; left -= 1) await create(client, { timeout: 60, maxRetries: 0 }).then(() => (answered += 1), () => {});
  };
  await Promise.all(Array.from({ length: 50 }, work));
  assert.ok(answered > 0);
  assert.deepEqual(thrown, []);
});

test("who goes away in a stream takes back that alone", async (t) => {
  let closed;
  const { client, sessions } = await serve(t, (stream, before) => {
    if (before > 0) return answer(stream);
    stream.respond(STREAM);
    stream.write(said({ content: "one" }));
    closed = once(stream, "close").then(() => stream.rstCode);
  });
  for await (const _ of await open(client)) break;
  assert.equal(await closed, constants.NGHTTP2_CANCEL);
  await create(client);
  assert.equal(sessions.length, 1);
});

test("a connection on which nothing is heard any more is not used again", async (t) => {
  const { client, sessions } = await serve(t, (stream, before) => {
    if (before !== 1) answer(stream);
  });
  await create(client);
  await assert.rejects(create(client, { timeout: 200, maxRetries: 0 }), APIConnectionTimeoutError);
  await create(client);
  assert.equal(sessions.length, 2);
});

/** Serves through a door whose cables can be cut. `work` is handed each request's stream. */
async function wired(t, work) {
  const server = createSecureServer(certificate);
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    work(stream);
  });
  const cables = [];
  const door = createPlainServer((near) => {
    near.on("error", () => {});
    const far = connect(server.address().port, "127.0.0.1").on("error", () => {});
    near.pipe(far).pipe(near);
    cables.push({ near, far });
  });
  for (const one of [server, door]) await once(one.listen(0, "127.0.0.1"), "listening");
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${door.address().port}/v1`, maxRetries: 0, logLevel: "off" });
  t.after(() => {
    client.dispose();
    for (const { near, far } of cables) (near.destroy(), far.destroy());
    door.close();
    server.close();
  });
  return { client, server, cables };
}

test("a network that goes away while answers are awaited is noticed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let isThinking = false;
  const { client, server, cables } = await wired(t, (stream) => isThinking || answer(stream));
  const began = once(server, "session");
  await create(client);
  isThinking = true;
  const waiting = create(client).catch((error) => error);
  await once(server, "stream");
  isThinking = false;
  const [session] = await began;
  const [{ near, far }] = cables;
  const hush = async () => {
    // By then the last question has its answer.
    await create(client);
    t.mock.timers.tick(30_000);
  };
  // Who thinks for long is asked, and says that it is there.
  for (let times = 0; times < 3; times += 1) {
    await hush();
    const asked = once(session, "ping");
    t.mock.timers.tick(30_000);
    await asked;
  }
  await hush();
  near.unpipe(far);
  t.mock.timers.tick(30_000);
  // The question has been written, and goes nowhere.
  await once(near, "readable");
  t.mock.timers.tick(15_000);
  const error = await waiting;
  assert.ok(error instanceof APIConnectionError);
  assert.equal(error.cause.code, "ERR_HTTP2_PING_TIMEOUT");
  await create(client);
  assert.equal(cables.length, 2);
});

test("a request that takes long to be sent is not given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, cables } = await wired(t, answer);
  await create(client);
  const [{ near, far }] = cables;
  near.unpipe(far);
  const long = { ...ASK, messages: [{ role: "user", content: "w".repeat(4 << 20) }] };
  const sent = client.chat.completions.create(long);
  await once(near, "readable");
  for (const millis of [30_000, 15_000]) {
    t.mock.timers.tick(millis);
    await new Promise((resolve) => setImmediate(resolve));
  }
  near.pipe(far);
  assert.equal((await sent).choices[0].message.content, "Hi");
});

test("an answer that nobody reads holds back no other", async (t) => {
  const many = said({ content: "word ".repeat(1000) }).repeat(2000);
  const { client, sessions } = await serve(t, (stream, before) => {
    if (before >= 8) return answer(stream);
    stream.respond(STREAM);
    stream.end(many + END);
  });
  const unread = await Promise.all(Array.from({ length: 8 }, () => open(client)));
  await create(client);
  assert.equal(sessions.length, 1);
  assert.equal((await text(unread[0])).length, 5 * 1000 * 2000);
  for (const stream of unread) stream.controller.abort();
});

test("a request's fields are written as HTTP/2 wants them", async (t) => {
  let head;
  const { baseURL, client } = await serve(t, (stream, _, sent) => {
    head = sent;
    answer(stream);
  });
  await create(client, { headers: { "X-Of-Mine": "yes", Constructor: "me", Connection: "keep-alive", TE: "gzip" } });
  assert.equal(head[":authority"], new URL(baseURL).host);
  assert.equal(head[":path"], "/v1/chat/completions");
  assert.equal(head["x-of-mine"], "yes");
  assert.equal(head.constructor, "me");
  assert.equal(head.authorization, "Bearer k");
  assert.equal(head["content-length"], String(JSON.stringify(ASK).length));
});

test("a request names its host as its URL does", async (t) => {
  let authority;
  const server = createSecureServer(certificate);
  server.on("stream", (stream, head) => {
    authority = head[":authority"];
    answer(stream);
  });
  const listens = (address) => once(server.listen(0, address), "listening");
  // Not every machine speaks IPv6.
  const name = await listens("::1").then(() => "[::1]", () => listens("127.0.0.1").then(() => "127.0.0.1"));
  const host = `${name}:${server.address().port}`;
  const client = new OpenAI({ apiKey: "k", baseURL: `https://${host}/v1`, maxRetries: 0 });
  t.after(() => (client.dispose(), server.close()));
  await create(client);
  assert.equal(authority, host);
});

test("where a server speaks HTTP/1.1 alone, each call at once has a connection, which serves again", async (t) => {
  const waiting = [];
  let opened = 0;
  const server = createServer(certificate, (request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    if (waiting.push(response) % 20 !== 0) return;
    for (const one of waiting.splice(0)) one.end(JSON.stringify({ id: "c", choices: [{ index: 0, message: { content: "Hi" } }] }));
  });
  server.on("secureConnection", () => (opened += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => (server.close(), server.closeAllConnections()));
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${server.address().port}/v1`, maxRetries: 0 });
  for (let round = 0; round < 2; round += 1) await Promise.all(Array.from({ length: 20 }, () => create(client)));
  assert.deepEqual([opened, client.stats().connections.opened], [20, 20]);
  client.dispose();
});

test("a connection that its server closes after each answer is never called reused", async (t) => {
  const server = createServer(certificate, (request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify({ id: "c", choices: [{ index: 0, message: { content: "Hi" } }] }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${server.address().port}/v1`, maxRetries: 0 });
  t.after(() => (client.dispose(), server.close()));
  for (let call = 0; call < 10; call += 1) await create(client);
  const { opened, reused } = client.stats().connections;
  assert.deepEqual([opened, reused], [10, 0]);
});

test("every call learns that no connection came about, and why", async (t) => {
  const { baseURL } = await serve(t, answer);
  const closed = "https://localhost:9";
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "1";
  t.after(() => (process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"));
  for (const [url, code] of [[closed, "ECONNREFUSED"], [baseURL, "DEPTH_ZERO_SELF_SIGNED_CERT"]]) {
    const client = new OpenAI({ apiKey: "k", baseURL: url, maxRetries: 0, logLevel: "off" });
    const calls = Array.from({ length: 5 }, () => create(client).catch((error) => error));
    for (const error of await Promise.all(calls)) {
      assert.ok(error instanceof APIConnectionError, String(error));
      assert.equal(error.cause.code, code);
    }
    client.dispose();
  }
});

/** Lets the first connections through to a server of HTTP/2, and does with the others as it is told. */
async function gate(t, through, otherwise) {
  const server = createSecureServer(certificate);
  server.on("stream", (stream) => answer(stream));
  let opened = 0;
  const door = createPlainServer((socket) => {
    socket.on("error", () => {});
    opened += 1;
    if (opened > through) otherwise(socket);
    else server.emit("connection", socket);
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${door.address().port}/v1`, maxRetries: 0, logLevel: "off" });
  t.after(() => (client.dispose(), door.close()));
  return { client, server, count: () => opened };
}

test("all who wait for a connection learn at once that it failed", async (t) => {
  const all = async (client) => {
    const calls = await Promise.allSettled(Array.from({ length: 10 }, () => create(client)));
    assert.ok(calls.every(({ reason }) => reason instanceof APIConnectionError));
  };
  for (const through of [0, 1]) {
    const { client, server, count } = await gate(t, through, (socket) => setTimeout(() => socket.destroy(), 100));
    if (through === 1) {
      server.once("session", (session) => server.once("stream", () => session.close()));
      await create(client);
      while (client.stats().connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await all(client);
    assert.equal(count(), through + 1);
  }
});

test("a server that takes a connection and says nothing there holds up nobody for long", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const server = createTlsServer({ ...certificate, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("error", () => {});
    // By then the client waits.
    socket.once("data", () => t.mock.timers.tick(10_000));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${server.address().port}/v1`, maxRetries: 0, logLevel: "off" });
  t.after(() => (client.dispose(), server.close()));
  const error = await create(client).catch((error) => error);
  assert.equal(error.cause.code, "ERR_HTTP2_SETTINGS_TIMEOUT");
});

test("who has no connection left does not wait for one to be allowed", async (t) => {
  const { client, sessions } = await serve(t, (stream) => {
    answer(stream);
    stream.session.close();
  });
  const times = [];
  for (let call = 0; call < 21; call += 1) {
    const began = performance.now();
    await create(client);
    times.push(performance.now() - began);
  }
  assert.equal(sessions.length, 21);
  assert.ok(times.sort((a, b) => a - b)[10] < 45, String(times));
});

test("a connection that has failed is given no more requests", async (t) => {
  const server = createSecureServer(certificate);
  server.on("stream", (stream) => answer(stream));
  let opened = 0;
  const door = createTlsServer({ ...certificate, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("error", () => {});
    opened += 1;
    if (opened > 1) return server.emit("secureConnection", socket);
    // Its settings, and a frame that may not be.
    socket.write(Buffer.from("000000040000000000", "hex"));
    setTimeout(() => socket.write(Buffer.from("0000050500000000000000000102", "hex")), 100);
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
  const client = new OpenAI({ apiKey: "k", baseURL: `https://localhost:${door.address().port}/v1`, maxRetries: 0, logLevel: "off" });
  t.after(() => (client.dispose(), door.close()));
  const again = () => create(client).catch(() => create(client));
  await Promise.all(Array.from({ length: 10 }, again));
  assert.equal(opened, 2);
});

test("an open connection keeps no process alive", async (t) => {
  const { baseURL } = await serve(t, answer);
  const script = `
    import OpenAI from ${JSON.stringify(pathToFileURL(entry).href)};
    const client = new OpenAI({ apiKey: "k", baseURL: ${JSON.stringify(baseURL)} });
    await client.chat.completions.create(${JSON.stringify(ASK)});
    console.log(client.stats().connections.open);`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificateFile };
  delete env.NODE_TLS_REJECT_UNAUTHORIZED;
  const began = performance.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { env, stdio: ["ignore", "pipe", "inherit"] });
  const out = child.stdout.setEncoding("utf8").toArray();
  const [code] = await once(child, "close");
  assert.deepEqual([code, (await out).join("")], [0, "1\n"]);
  // Far less than a connection is kept.
  assert.ok(performance.now() - began < 20_000);
});
