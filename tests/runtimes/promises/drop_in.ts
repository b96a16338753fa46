// The drop-in, where what it does differs by runtime: how it sends, how it reads.

import OpenAI from "kneepoint/openai";

import { check, equal } from "../assert.ts";
import { failure, KEY, type Promises } from "../world.ts";

const MESSAGES = [{ role: "user" as const, content: "Hello!" }];

/** A client of the drop-in. */
function client(options: ConstructorParameters<typeof OpenAI>[0]): OpenAI {
  return new OpenAI({ apiKey: KEY, maxRetries: 0, dangerouslyAllowBrowser: true, ...options });
}

export const dropIn: Promises = {
  async "the drop-in lets tools run, and streams what comes of them"(world) {
    const openai = client({ baseURL: world.endpoint("tokens=3").baseURL });
    const cities: unknown[] = [];
    const tool = {
      type: "function" as const,
      function: {
        name: "weather",
        description: "Tells the weather.",
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        parse: (text: string) => JSON.parse(text) as { city?: string },
        function: (args: { city?: string }) => void cities.push(typeof args.city),
      },
    };
    const body = { model: "m", messages: MESSAGES, tools: [tool] };
    const run = openai.chat.completions.runTools({ ...body, stream: true });
    let chunks = 0;
    for await (const _ of run) chunks += 1;
    check(chunks > 0, "chunks");
    equal(cities, ["string"], "calls");
    equal(run.messages.map(({ role }) => role), ["user", "assistant", "tool", "assistant"], "messages");
    check((await run.finalContent()) !== "", "an answer");
    openai.dispose();
  },

  async "runs that are made in turns of the same objects send each what it was told"() {
    const sent: string[] = [];
    const openai = client({
      baseURL: "https://llm.test/v1",
      fetch: async (_, { headers, body }) => {
        const { messages, input } = JSON.parse(body as string) as { messages?: object[]; input?: object[] };
        sent.push(`${(headers as Headers).get("x-turn")} of ${(messages ?? input)?.length}`);
        return new Response("", { status: 400 });
      },
    });
    const messages: typeof MESSAGES = [];
    const headers: Record<string, string> = {};
    const runs = ["one", "two", "three"].map((turn) => {
      headers["x-turn"] = turn;
      messages.push({ role: "user", content: "Hello!" });
      const body = { model: "m", messages };
      if (turn === "one") return openai.chat.completions.stream(body, { headers });
      if (turn === "two") return openai.chat.completions.runTools({ ...body, tools: [] }, { headers });
      return openai.responses.stream({ model: "m", input: messages }, { headers });
    });
    headers["x-turn"] = "four";
    messages.push({ role: "user", content: "Hello!" });
    await Promise.all(runs.map((run) => failure(run.done())));
    equal(sent.sort(), ["one of 1", "three of 3", "two of 2"], "requests");
    openai.dispose();
  },

  async "dispose ends the drop-in's calls that were made before an option changed, too"(world) {
    const endpoint = world.endpoint("ttft=5000");
    const openai = client({ baseURL: endpoint.baseURL });
    const create = () => openai.chat.completions.create({ model: "m", messages: MESSAGES });
    // A whole address is another client's, which goes with it.
    const elsewhere = () => openai.post(`${endpoint.baseURL}/chat/completions`, { body: { model: "m", messages: MESSAGES } });
    const calls = [failure(create()), failure(elsewhere())];
    await endpoint.until((truth) => truth.in_flight === 2, "they are in flight");
    openai.maxRetries = 1;
    openai.dispose();
    for (const call of calls) equal((await call).kind, "aborted", "kind");
    await endpoint.until((truth) => truth.in_flight === 0, "nothing is in flight");
    for (const call of [create(), elsewhere()]) equal((await failure(call)).kind, "disposed", "kind of a later one");
  },

  async "the drop-in puts a streamed response together"(world) {
    const openai = client({ baseURL: world.endpoint("tokens=5,chunk=1").baseURL });
    const stream = openai.responses.stream({ model: "m", input: "Hello!" });
    let text = "";
    stream.on("response.output_text.delta", ({ snapshot }) => {
      text = snapshot;
    });
    const response = await stream.finalResponse();
    check(text !== "", "text");
    equal(response.output_text, text, "the whole text");
    openai.dispose();
  },

  async "the drop-in streams events of any path, and sends bodies of any kind"() {
    const sent: string[] = [];
    const openai = client({
      baseURL: "https://llm.test/v1",
      fetch: async (_, { method, body }) => {
        sent.push(`${method} ${body === undefined ? "" : await new Response(body as BodyInit).text()}`);
        return new Response('data: {"x":1}\n\ndata: {"y":2}\n\n', { headers: { "content-type": "text/event-stream" } });
      },
    });
    const items: unknown[] = [];
    const posted = await openai.post("/a", { body: new TextEncoder().encode("bytes"), stream: true });
    for await (const item of posted as AsyncIterable<unknown>) items.push(item);
    for await (const item of (await openai.get("/b", { stream: true })) as AsyncIterable<unknown>) items.push(item);
    equal(items, [{ x: 1 }, { y: 2 }, { x: 1 }, { y: 2 }], "items");
    equal(sent, ["POST bytes", "GET "], "sent");
    openai.dispose();
  },

  async "a function that takes the place of fetch sees the requests, and no server does"(world) {
    const endpoint = world.endpoint("tokens=2");
    const openai = client({ baseURL: endpoint.baseURL });
    const platforms = globalThis.fetch;
    const keys: (string | null)[] = [];
    globalThis.fetch = async (_, init) => {
      keys.push((init?.headers as Headers).get("authorization"));
      return Response.json({ id: "x", choices: [{ message: { content: "mocked" } }] });
    };
    try {
      const { choices } = await openai.chat.completions.create({ model: "m", messages: MESSAGES });
      equal([choices[0]?.message.content, keys], ["mocked", [`Bearer ${KEY}`]], "the answer, the keys");
    } finally {
      globalThis.fetch = platforms;
    }
    equal((await endpoint.truth()).requests, 0, "requests");
    await openai.chat.completions.create({ model: "m", messages: MESSAGES });
    equal((await endpoint.truth()).requests, 1, "requests without it");
    openai.dispose();
  },

  async "a timeout that is none is refused under its own name"(world) {
    const { baseURL } = world.endpoint("tokens=2");
    const nothing = null as unknown as undefined;
    const openai = client({ baseURL, timeout: nothing });
    equal(openai.timeout, 600_000, "the default");
    for (const timeout of [nothing, 0, -1, Number.NaN]) {
      const options = timeout === nothing ? { timeout: nothing } : { timeout };
      const error = await failure(openai.chat.completions.create({ model: "m", messages: MESSAGES }, options));
      equal([error.kind, error.option], ["config", "timeout"], `a call's ${timeout}`);
      if (timeout === nothing) continue;
      const made = await failure((async () => client({ baseURL, timeout }))());
      equal([made.kind, made.option], ["config", "timeout"], `a client's ${timeout}`);
    }
    openai.dispose();
  },
};
