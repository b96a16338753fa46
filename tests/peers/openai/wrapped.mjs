// What libraries that watch, trace or extend a client do with it: each program is the gist of one.

import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:http";
import { Readable } from "node:stream";

import { collect, events, json, plain, scripted } from "./scripted.mjs";

const messages = [{ role: "user", content: "Hello!" }];
const ask = { model: "m", messages };
const said = { id: "c1", choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: '{"a":1}' } }] };
const piece = (content, finish_reason = null) => ({ id: "c1", choices: [{ index: 0, delta: { content }, finish_reason }] });
const pieces = () => events([piece("a"), piece("b", "stop")]);
const response = {
  id: "r1", object: "response", status: "completed",
  output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: '{"a":1}', annotations: [] }] }],
};

const schema = { name: "s", strict: true, schema: { type: "object" } };
const format = { chat: { type: "json_schema", json_schema: schema }, response: { type: "json_schema", ...schema } };

/** A proxy that hands out the fields of what it stands before, and proxies of those that are objects. */
const proxied = (value, read) =>
  new Proxy(value, {
    get: (target, name, proxy) => {
      const field = read(target, name, proxy);
      if (typeof field === "function") return name === "constructor" ? field : field.bind(target);
      return typeof field === "object" && field !== null ? proxied(field, read) : field;
    },
  });

const FIELDS = ["baseURL", "timeout", "maxRetries", "organization", "project", "logLevel"];
const fieldsOf = (client) => FIELDS.map((name) => client[name]);

/** A client that another one is made of, and one with another option of that. */
export async function heir(exports) {
  const { client, asked } = scripted(exports, [() => json(said)]);
  const made = Object.create(client);
  const other = made.withOptions({ timeout: 7 });
  await other.chat.completions.create(ask);
  return [fieldsOf(made), made.apiKey, fieldsOf(other), asked.length];
}

/** What is parsed where a library has put a promise without more in the place of the client's. */
export async function rewrapped(exports) {
  const { client } = scripted(exports, [() => json(said), () => json(response)]);
  for (const part of [client.chat.completions, client.responses]) {
    const create = part.create.bind(part);
    part.create = (...args) => create(...args).then((answer) => answer);
  }
  const completion = await client.chat.completions.parse({ ...ask, response_format: format.chat });
  const parsed = await client.responses.parse({ model: "m", input: "x", text: { format: format.response } });
  return [completion.choices[0].message.parsed, parsed.output_parsed];
}

/** What each program is called, and what it does. */
export const programs = [
  ["a promise behind a proxy", async (exports) => {
    const answers = [() => json(said), pieces, () => json(said), () => json(response)];
    const { client } = scripted(exports, answers);
    const calls = [
      () => client.chat.completions.create(ask),
      () => client.chat.completions.create({ ...ask, stream: true }),
      () => client.chat.completions.parse({ ...ask, response_format: format.chat }),
      () => client.responses.create({ model: "m", input: "x" }),
    ];
    const told = [];
    for (const call of calls) {
      const promise = call();
      const answer = promise.then((value) => value);
      const seen = new Proxy(promise, {
        // What is about the answer is the library's; the rest is asked of the proxy itself.
        get: (target, name, proxy) => (name in Promise.prototype ? answer[name].bind(answer) : Reflect.get(target, name, proxy)),
      });
      const { data, response: { status } } = await seen.withResponse();
      told.push([status, (await seen) === data, (await seen.asResponse()).status, data.id ?? (await collect(data)).length]);
    }
    return told;
  }],
  ["an answer that is changed twice, first by somebody who takes his time", async (exports) => {
    const { client } = scripted(exports, [() => json(said)]);
    const slow = client.chat.completions.create(ask)._thenUnwrap(async ({ id }) => ({ id }));
    const { data, response } = await slow._thenUnwrap(({ id }) => ({ again: id })).withResponse();
    return [plain(data), response.status];
  }],
  ["an iterator that nobody asks", async (exports) => {
    const { client } = scripted(exports, [pieces]);
    const read = [];
    for (const take of [(stream) => [stream], (stream) => stream.tee(), (stream) => stream.tee().reverse()]) {
      const made = await client.chat.completions.create({ ...ask, stream: true });
      for (const stream of [made, exports.Stream.fromSSEResponse(pieces(), new AbortController())]) {
        stream[Symbol.asyncIterator]();
        const [first, ...others] = take(stream);
        read.push((await collect(first)).length);
        for (const each of others) read.push((await collect(each)).length);
        const late = stream[Symbol.asyncIterator]();
        read.push(await late.next().then(() => "read twice", () => stream.controller.signal.aborted));
      }
    }
    return read;
  }],
  ["the methods of all clients are replaced", async (exports) => {
    const { OpenAI } = exports;
    const { Chat, Completions, Embeddings, Images, Models, Moderations, Responses } = OpenAI;
    const methods = [
      [Chat.Completions, "create"], [Completions, "create"], [Embeddings, "create"], [Responses, "create"],
      [Images, "generate"], [Models, "retrieve"], [Moderations, "create"],
    ];
    const calls = [];
    const undo = methods.map(([{ prototype, name }, method]) => {
      const original = prototype[method];
      prototype[method] = function (...args) {
        calls.push([name, method, this instanceof Chat.Completions, this._client.baseURL]);
        return original.apply(this, args);
      };
      return () => (prototype[method] = original);
    });
    try {
      const { client } = scripted(exports, [() => json({ ...said, data: [] })]);
      await client.chat.completions.create(ask);
      await client.chat.completions.parse(ask);
      await client.completions.create({ model: "m", prompt: "x" });
      await client.embeddings.create({ model: "m", input: "x" });
      await client.images.generate({ prompt: "x" });
      await client.models.retrieve("m");
      await client.moderations.create({ input: "x" });
      const { client: other } = scripted(exports, [() => json(response)]);
      await other.responses.create({ model: "m", input: "x" });
      await other.responses.parse({ model: "m", input: "x" });
    } finally {
      for (const each of undo) each();
    }
    return calls;
  }],
  ["the parts of a client are of the classes that it names", async (exports) => {
    const { client } = scripted(exports, []);
    const parts = ["Batches", "Chat", "Completions", "Conversations", "Embeddings", "Images", "Models", "Moderations", "Responses"];
    const completions = client.chat.completions;
    return [
      parts.map((name) => [exports.OpenAI[name].name, client[name.toLowerCase()] instanceof exports.OpenAI[name]]),
      [completions.constructor.name, completions instanceof exports.OpenAI.Chat.Completions, completions._client === client],
    ];
  }],
  ["helpers of parts whose create is watched by a proxy", async (exports) => {
    const whole = { ...response, output: [{ id: "m1", ...response.output[0] }] };
    const first = { id: "c1", choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }] };
    const spoken = () => events([first, piece("a"), piece("b", "stop")]);
    const answers = [
      () => json(said), spoken, () => json(said), spoken, () => json(response),
      () => events([{ type: "response.created", response: { ...response, output: [] } }, { type: "response.completed", response: whole }]),
    ];
    const { client, asked } = scripted(exports, answers);
    const seen = [];
    const watched = (part) => new Proxy(part, {
      get: (target, name, proxy) => {
        if (name !== "create") return Reflect.get(target, name, proxy);
        return async function* (body) {
          seen.push(body.model);
          yield* await target.create(body);
        };
      },
    });
    const [chat, responses] = [watched(client.chat.completions), watched(client.responses)];
    const tools = [{ type: "function", function: { name: "f", parameters: {}, function: () => "", description: "" } }];
    const told = [
      (await chat.parse({ ...ask, response_format: format.chat })).choices[0].message.parsed,
      await chat.stream(ask).finalContent(),
      await chat.runTools({ ...ask, tools }).finalContent(),
      await chat.runTools({ ...ask, tools, stream: true }).finalContent(),
      (await responses.parse({ model: "m", input: "x", text: { format: format.response } })).output_parsed,
      (await responses.stream({ model: "m", input: "x" }).finalResponse()).id,
    ];
    return [told, seen, asked.length];
  }],
  ["a part that a library looks into and that has nothing of ours", async (exports) => {
    const { client } = scripted(exports, []);
    return [typeof client.beta, typeof client.beta.chat];
  }],
  ["a client whose parts are extended", async (exports) => {
    const { OpenAI, AzureOpenAI } = exports;
    const seen = [];
    class Completions extends OpenAI.Chat.Completions {
      create(body, options) {
        const promise = super.create(body, options);
        const answer = promise.then((value) => (seen.push(value.id ?? "a stream"), value));
        const received = promise.responsePromise;
        return Object.assign(answer, {
          withResponse: async () => ({ data: await answer, response: (await received).response }),
          _thenUnwrap: (change) => answer.then(async (value) => change(value, await received)),
        });
      }
    }
    class Chat extends OpenAI.Chat {
      completions = new Completions(this._client);
    }
    class Client extends OpenAI {
      chat = new Chat(this);
    }
    const { client } = scripted({ OpenAI: Client }, [() => json(said), pieces, () => json(said), () => json({}, { status: 418 })]);
    const { data, response } = await client.chat.completions.create(ask).withResponse();
    const streamed = await client.chat.completions.create({ ...ask, stream: true }).withResponse();
    const parsed = await client.chat.completions.parse({ ...ask, response_format: format.chat });
    const refused = await client.chat.completions.create(ask).catch(({ status }) => status);
    const parts = [OpenAI, AzureOpenAI].flatMap(({ Audio, Chat, Completions, Embeddings, Responses }) =>
      [Chat, Audio, Audio.Speech, Audio.Transcriptions, Audio.Translations, Chat.Completions, Completions, Embeddings, Responses]);
    for (const Part of parts) seen.push([typeof class extends Part {}, Part.name]);
    return [
      data.id, response.status, (await collect(streamed.data)).length, streamed.response.status,
      parsed.choices[0].message.parsed, refused, seen,
    ];
  }],
  ["a stream's iterator is replaced", async (exports) => {
    const { client } = scripted(exports, [pieces]);
    const seen = [];
    for (const take of [(stream) => [stream], (stream) => stream.tee()]) {
      const stream = await client.chat.completions.create({ ...ask, stream: true });
      const begin = stream.iterator;
      stream.iterator = async function* () {
        for await (const chunk of { [Symbol.asyncIterator]: begin }) {
          seen.push(chunk.choices[0].delta.content);
          yield chunk;
        }
        seen.push("end");
      };
      for (const each of take(stream)) seen.push((await collect(each)).length);
    }
    return seen;
  }],
  ["a client behind a proxy", async (exports) => {
    const told = [];
    const reads = [
      Reflect.get,
      (target, name) => target[name],
      // Looks at a field first, and then reads it again as the proxy's.
      (target, name, proxy) => (typeof target[name] === "function" ? target[name] : Reflect.get(target, name, proxy)),
    ];
    for (const read of reads) {
      const { client } = scripted(exports, [() => json(said)]);
      const seen = proxied(client, read);
      seen.maxRetries = 5;
      seen.baseURL = "http://other.test/v1";
      told.push(fieldsOf(seen), seen.apiKey, client.maxRetries, seen._options.apiKey, seen.logger === client.logger);
      told.push(seen.withOptions({ timeout: 7 }).timeout, (await seen.chat.completions.create(ask)).id);
    }
    return told;
  }],
  ["a client that is copied field by field", async (exports) => {
    const { client, asked } = scripted(exports, [() => json(said)]);
    const copy = { ...client, chat: { ...client.chat } };
    const completions = Object.create(Object.getPrototypeOf(client.chat.completions));
    copy.chat.completions = Object.assign(completions, client.chat.completions);
    copy.chat.completions.create = (...args) => client.chat.completions.create(...args);
    const whole = Object.assign(Object.create(Object.getPrototypeOf(client)), client);
    const { id } = await copy.chat.completions.create(ask);
    const kept = await copy.chat.completions.retrieve("c1");
    const also = await whole.chat.completions.create(ask);
    return [fieldsOf(copy), fieldsOf(whole), id, plain(kept), also.id, asked.map(({ url }) => url)];
  }],
  ["a schema that nobody has marked is parsed", async (exports) => {
    const { client } = scripted(exports, [() => json(response)]);
    const whole = await client.responses.parse({ model: "m", input: "x", text: { format: format.response } });
    const { client: chat } = scripted(exports, [() => json(said)]);
    const completion = await chat.chat.completions.parse({ ...ask, response_format: format.chat });
    const open = await client.responses.parse({ model: "m", input: "x" });
    return [whole.output_parsed, plain(whole.output), completion.choices[0].message.parsed, open.output_parsed, plain(open.output)];
  }],
  ["requests that wait or are sent again, each where its call was made", async ({ OpenAI }) => {
    const place = new AsyncLocalStorage();
    const seen = [];
    const see = (body) => seen.push([JSON.parse(body).user, place.getStore()]);
    let refused = 0;
    const server = createServer(async (request, reply) => {
      const { user, stream } = JSON.parse(await new Response(Readable.toWeb(request)).text());
      if (user === "2" && (refused += 1) === 1) return reply.writeHead(503, { "retry-after-ms": "5" }).end();
      const answer = stream ? pieces() : json(said);
      reply.writeHead(200, { "content-type": answer.headers.get("content-type") }).end(await answer.text());
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const created = () => seen.push(["request", place.getStore()]);
    subscribe("undici:request:create", created);
    const fetchers = [undefined, (url, init) => (see(init.body), fetch(url, init))];
    try {
      for (const fetch of fetchers) {
        const settings = { apiKey: "k", baseURL: `http://127.0.0.1:${server.address().port}/v1`, logLevel: "off" };
        const client = new OpenAI({ ...settings, concurrency: 1, ...(fetch ? { fetch } : {}) });
        for (const stream of [false, true]) {
          refused = 0;
          const call = async (user) => {
            const answer = await client.chat.completions.create({ ...ask, user, stream });
            if (stream) await collect(answer);
            seen.push(["answer", user === place.getStore()]);
          };
          await Promise.all(["1", "2", "3", "4"].map((user) => place.run(user, call, user)));
        }
      }
    } finally {
      unsubscribe("undici:request:create", created);
      server.close();
      server.closeAllConnections();
    }
    return seen.map(String).sort();
  }],
  ["a client as the fetch of another library", async (exports) => {
    const { client, asked } = scripted(exports, [() => json(said), pieces]);
    const fetch = (url, { headers, body, signal }) =>
      client.post(url, { headers, body: JSON.parse(body), signal }).asResponse();
    const told = [];
    for (const stream of [false, true]) {
      const headers = { authorization: "Bearer sk-other", "x-own": "1" };
      const init = { method: "POST", headers, body: JSON.stringify({ ...ask, stream }), signal: new AbortController().signal };
      const answer = await fetch("http://other.test/v1/chat/completions", init);
      told.push([answer.status, answer.headers.get("content-type"), await answer.text()]);
    }
    return [told, asked.map(({ url, headers }) => [url, headers.get("authorization"), headers.get("x-own")])];
  }],
];
