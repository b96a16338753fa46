// Programs that use what a server keeps: stored completions, conversations, batches, and their lists.

import { collect, events, json, plain, scripted } from "./scripted.mjs";

const page = (ids, more) => () => json({ object: "list", data: ids.map((id) => ({ id })), has_more: more, last_id: ids.at(-1) });
const lists = [page(["a", "b"], true), page(["c"], true), page(["d"], false)];

/** What was asked, as the server sees it. */
const seen = (asked) => asked.map(({ url, method, init }) => [method, url, init.body ? JSON.parse(init.body) : null]);

/** Does all of this with a client, and tells what was asked and what came of it. */
async function each(exports, value, calls) {
  const { client, asked } = scripted(exports, [() => json(value)]);
  const results = [];
  for (const call of calls) results.push(plain((await call(client)) ?? null));
  return [seen(asked), results];
}

const failure = async (work) => {
  try {
    await work();
    return "none";
  } catch (error) {
    return error.constructor.name === "KneepointError" ? "OpenAIError" : error.constructor.name;
  }
};

/** What each program is called, and what it does. */
export const programs = [
  ["a list is read to its end", async (exports) => {
    const { client, asked } = scripted(exports, lists);
    const items = await collect(client.chat.completions.list({ model: "m", metadata: { a: "b" }, limit: 2 }));
    return [items, seen(asked)];
  }],
  ["a list is read page by page", async (exports) => {
    const { client, asked } = scripted(exports, lists);
    const first = await client.batches.list({ limit: 2 }, { headers: { "x-a": "1" } });
    const pages = [];
    for await (const each of first.iterPages()) pages.push([plain(each.data), each.has_more, each.hasNextPage()]);
    return [first instanceof exports.CursorPage, pages, seen(asked), asked.map(({ headers }) => headers.get("x-a"))];
  }],
  ["a page is asked for its next one", async (exports) => {
    const { client, asked } = scripted(exports, lists);
    let at = await client.responses.inputItems.list("resp_1", { order: "asc", include: ["x", "y"] });
    const found = [at.getPaginatedItems().length, plain(at.nextPageRequestOptions().query)];
    while (at.hasNextPage()) found.push((at = await at.getNextPage()).data.map(({ id }) => id));
    return [found, await failure(() => at.hasNextPage() || new exports.Page(client, null, { data: [] }, {}).getNextPage()), seen(asked)];
  }],
  ["a list is left early", async (exports) => {
    const { client, asked } = scripted(exports, lists);
    for await (const { id } of client.chat.completions.messages.list("c 1/2")) if (id === "b") break;
    return seen(asked);
  }],
  ["lists that say nothing", async (exports) => {
    const found = [];
    for (const body of [{ data: [], has_more: true }, { data: [{}], has_more: true }, { has_more: false }, { data: [{ id: "a" }] }]) {
      const { client } = scripted(exports, [() => json(body)]);
      const at = await client.batches.list();
      found.push([plain(at.data), at.has_more, at.hasNextPage()]);
    }
    return found;
  }],
  ["a conversation's items", async (exports) => {
    const { client, asked } = scripted(exports, lists);
    const items = await collect(client.conversations.items.list("conv_1", { limit: 2 }));
    return [items, seen(asked)];
  }],
  ["a list that fails on its way", async (exports) => {
    const { client } = scripted(exports, [lists[0], () => json({ error: { message: "no" } }, { status: 400 })]);
    const got = [];
    const name = await failure(async () => {
      for await (const { id } of client.batches.list()) got.push(id);
    });
    return [got, name];
  }],
  ["a list's response", async (exports) => {
    const { client } = scripted(exports, [() => json({ object: "list", data: [{ id: "a" }] }, { headers: { "x-request-id": "r" } })]);
    const { data, response, request_id } = await client.models.list().withResponse();
    const raw = await client.models.list().asResponse();
    return [plain(data.data), data.object, response.status, request_id, plain(await raw.json()), Object.keys(data).includes("_request_id")];
  }],
  ["pages of one's own", async (exports) => {
    class Numbered extends exports.AbstractPage {
      constructor(client, response, body, options) {
        super(client, response, body, options);
        this.rows = body.rows;
      }
      getPaginatedItems() {
        return this.rows;
      }
      nextPageRequestOptions() {
        const number = (this.options.query?.page ?? 1) + 1;
        return number > 3 ? null : { ...this.options, query: { page: number } };
      }
    }
    const { client, asked } = scripted(exports, [() => json({ rows: [asked.length] })]);
    const items = await collect(client.getAPIList("/rows", Numbered, { query: { page: 1 } }));
    const later = await collect(client.getAPIList("/rows", Numbered, Promise.resolve({ query: { page: 3 } })));
    const posted = await collect(client.requestAPIList(Numbered, { method: "post", path: "/rows", body: { a: 1 }, query: { page: 2 } }));
    return [items, later, posted, seen(asked)];
  }],
  ["stored completions", (exports) =>
    each(exports, { id: "chatcmpl-1", object: "chat.completion", choices: [] }, [
      ({ chat }) => chat.completions.retrieve("chatcmpl-1"),
      ({ chat }) => chat.completions.update("chatcmpl-1", { metadata: { a: "b" } }),
      ({ chat }) => chat.completions.delete("chatcmpl-1"),
    ])],
  ["what is deleted says so", (exports) =>
    each(exports, { id: "x", deleted: true, object: "chat.completion.deleted" }, [
      ({ chat }) => chat.completions.delete("x"),
      ({ models }) => models.delete("ft:gpt:org::x"),
      ({ conversations }) => conversations.delete("conv_1"),
    ])],
  ["conversations", (exports) =>
    each(exports, { id: "conv_1", object: "conversation", created_at: 1, metadata: {} }, [
      ({ conversations }) => conversations.create(),
      ({ conversations }) => conversations.create({ metadata: { a: "b" }, items: [{ role: "user", content: "Hi" }] }),
      ({ conversations }) => conversations.retrieve("conv_1"),
      ({ conversations }) => conversations.update("conv_1", { metadata: { c: "d" } }),
      ({ conversations }) => conversations.items.delete("msg_1", { conversation_id: "conv_1" }),
      ({ conversations }) => conversations.items.retrieve("msg_1", { conversation_id: "conv_1", include: ["a"] }),
      ({ conversations }) => conversations.items.create("conv_1", { items: [{ role: "user", content: "Hi" }], include: ["a"] }),
    ])],
  ["tokens that are counted", (exports) =>
    each(exports, { object: "response.input_tokens", input_tokens: 11 }, [
      ({ responses }) => responses.inputTokens.count({ model: "m", input: "Hello!" }),
      ({ responses }) => responses.inputTokens.count(),
    ])],
  ["a conversation that is made shorter", (exports) =>
    each(exports, { id: "resp_1", object: "response.compaction", created_at: 1, output: [], usage: {} }, [
      ({ responses }) => responses.compact({ model: "m", input: "Hello!" }),
    ])],
  ["moderations", (exports) =>
    each(exports, { id: "modr-1", model: "m", results: [{ flagged: false, categories: {}, category_scores: {} }] }, [
      ({ moderations }) => moderations.create({ input: ["a", "b"] }),
    ])],
  ["pictures", (exports) =>
    each(exports, { created: 1, data: [{ b64_json: "aGk=" }] }, [
      ({ images }) => images.generate({ model: "m", prompt: "A cat." }),
    ])],
  ["pictures while they are made", async (exports) => {
    const made = [{ type: "image_generation.partial_image", b64_json: "aGk=", partial_image_index: 0 }, { type: "image_generation.completed", b64_json: "aGk=" }];
    const { client, asked } = scripted(exports, [() => events(made)]);
    return [await collect(await client.images.generate({ prompt: "A cat.", stream: true, partial_images: 1 })), seen(asked)];
  }],
  ["batches", (exports) =>
    each(exports, { id: "batch_1", object: "batch", status: "validating" }, [
      ({ batches }) => batches.create({ completion_window: "24h", endpoint: "/v1/chat/completions", input_file_id: "f" }),
      ({ batches }) => batches.retrieve("batch_1"),
      ({ batches }) => batches.cancel("batch_1"),
    ])],
  ["another path for one call, and one response for each answer", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ id: "x", data: [] })]);
    const path = "/elsewhere";
    await client.chat.completions.create({ model: "m", messages: [] }, { path });
    await client.chat.completions.list({ limit: 1 }, { path, query: { a: "b" } });
    await client.models.retrieve("m", { path });
    const promise = client.responses.delete("r", { path });
    const raw = await promise.asResponse();
    return [seen(asked), raw === (await promise.withResponse()).response, raw === (await promise.asResponse())];
  }],
  ["a body in the options of a call", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ id: "x" })]);
    await client.chat.completions.create({ model: "m", messages: [] }, { body: { model: "n", extra: 1 } });
    return seen(asked);
  }],
  ["an answer that is wanted as a response", async (exports) => {
    const bytes = new Uint8Array([0, 255, 128, 10]);
    const { client } = scripted(exports, [() => new Response(bytes, { headers: { "x-request-id": "r" } }), () => new Response(null, { status: 204 })]);
    const { data, response, request_id } = await client.get("/files/f/content", { __binaryResponse: true }).withResponse();
    return [data === response, [...new Uint8Array(await data.arrayBuffer())], "_request_id" in data, request_id, await client.get("/none", { __binaryResponse: true })];
  }],
  ["names in paths", async (exports) => {
    const { client, asked } = scripted(exports, [() => json({ id: "x" })]);
    for (const id of ["a/b", "a:b@c", "ä?#", "%2e", "..", "."]) await failure(() => client.models.retrieve(id));
    return [seen(asked), await failure(() => client.models.retrieve("..")), await failure(() => client.models.retrieve(undefined))];
  }],
  ["files of anything", async ({ toFile, OpenAI }) => {
    const pieces = (async function* () { yield new Uint8Array([104]); yield new TextEncoder().encode("i").buffer; })();
    const given = new File(["f"], "own.txt", { type: "text/plain" });
    const read = Object.assign(new Blob(["r"]).stream(), { path: "data/some.jsonl" });
    const files = [
      await toFile(new TextEncoder().encode("bytes"), "a.txt"), await toFile(Promise.resolve(new Uint8Array([1])), null, { type: "x/y", lastModified: 5 }),
      await toFile(new Blob(["b"])), await toFile(pieces, "p"), await toFile(given, "other"), await toFile(read),
      await toFile(Object.defineProperty(new Response(new Uint8Array([119])), "url", { value: "http://h.test/a/b.html?c" })),
    ];
    const foreign = { size: 1, type: "", async text() { return "x"; }, slice() {}, async arrayBuffer() { return new Uint8Array([120]).buffer; } };
    const texts = (async function* () { yield "a"; yield foreign; })();
    files.push(await toFile(foreign, "x"), await toFile(texts, "y"), await toFile({ url: "http://h.test/z.bin", blob: async () => foreign }));
    const told = files.map(async (file) => [file.name, file.type, await file.text(), file.lastModified === 5]);
    return [await Promise.all(told), files[4] === given, typeof OpenAI.toFile, await failure(() => toFile(7)).then((name) => name !== "none")];
  }],
];
