// `decodeText` and `Stream.fromSSEResponse`: bytes that the program has fetched by itself.

import { decodeText } from "kneepoint";
import { Stream } from "kneepoint/openai/streaming";

import { check, equal, sleep } from "../assert.ts";
import { failure, MODEL, type Promises } from "../world.ts";

const event = (content: string): string => `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
const FINISH = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
const DONE = "data: [DONE]\n\n";
const FAILURE = `data: {"error":{"message":"the model is gone","type":"server_error"}}\n\n`;
const WORDS = ["Grüße", " aus", " \u{1f30d}", "!"];
const WHOLE = WORDS.map(event).join("") + FINISH + DONE;

/** A body of these chunks, which tells how many were asked of it, and whether it was taken back. */
function bodyOf(chunks: Iterable<Uint8Array | Error>) {
  const truth = { pulls: 0, isCancelled: false };
  const iterator = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        truth.pulls += 1;
        const { done, value } = iterator.next();
        if (done) controller.close();
        else if (value instanceof Error) controller.error(value);
        else controller.enqueue(value);
      },
      cancel() {
        truth.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, truth };
}

/** The text cut into chunks of so many bytes. */
function* cut(text: string, size: number): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

/** What came, and how it ended. */
async function taken<T>(items: AsyncIterable<T>): Promise<{ came: T[]; error: string | undefined }> {
  const came: T[] = [];
  try {
    for await (const item of items) came.push(item);
  } catch (error) {
    return { came, error: (error as Error).message };
  }
  return { came, error: undefined };
}

export const decoding: Promises = {
  async "a body of one's own that says it failed is given up"() {
    const { body, truth } = bodyOf(cut(event("a") + FAILURE + WHOLE.repeat(50), 200));
    const { came, error } = await taken(decodeText(body));
    equal([came, error], [["a"], "the model is gone"], "pieces, error");
    check(truth.isCancelled, "the rest of the body is not wanted");
  },

  async "after a trap a body that was being decoded fails as poisoned, and other calls go on"(world) {
    const endpoint = world.endpoint("tokens=2,ttft=100");
    const llm = world.client(endpoint);
    for (const end of ["next", "return"] as const) {
      const pieces = decodeText(bodyOf(cut(WHOLE, 70)).body);
      equal((await pieces.next()).done, false, "it has begun");
      equal((await world.trap(() => failure(llm.generate("Hello!", MODEL)))).kind, "poisoned", "the trap");
      const call = llm.generate("Hello!", MODEL);
      if (end === "next") equal((await failure(pieces.next())).kind, "poisoned", "the body");
      else await pieces.return?.();
      equal((await call).usage?.outputTokens, 2, "the next call");
    }
  },

  async "a body of one's own says the same however it is cut"() {
    for (const size of [1, 2, 3, 7, 61, 1000]) {
      const { came, error } = await taken(decodeText(bodyOf(cut(WHOLE, size)).body));
      equal(error, undefined, `chunks of ${size}: error`);
      equal(came.join(""), WORDS.join(""), `chunks of ${size}`);
      check(!came.includes(""), `chunks of ${size}: no piece is empty`);
    }
  },

  async "a body of one's own says the same in chunks of any kind, short and long"() {
    const long = "a long word ".repeat(6000);
    const text = [...WORDS, long, ...WORDS].map(event).join("") + FINISH + DONE;
    const expected = WORDS.join("") + long + WORDS.join("");
    const kinds: Record<string, (bytes: Uint8Array) => unknown> = {
      bytes: (bytes) => bytes,
      buffers: (bytes) => bytes.buffer,
      texts: (bytes) => new TextDecoder().decode(bytes),
    };
    for (const [name, kind] of Object.entries(kinds)) {
      // Texts cannot be cut inside a character.
      for (const size of name === "texts" ? [1 << 20] : [999, 20_000, 1 << 20]) {
        const chunks = Array.from(cut(text, size), kind) as Uint8Array[];
        const { came, error } = await taken(decodeText(bodyOf(chunks).body));
        equal(error, undefined, `${name} of ${size}: error`);
        check(came.join("") === expected, `${name} of ${size}: ${came.join("").length} of ${expected.length} characters`);
      }
    }
    const { error } = await taken(decodeText(bodyOf([5 as unknown as Uint8Array]).body));
    equal(error, "this stream holds something that is neither bytes nor text", "a number");
  },

  async "what was said before an error is handed out first"() {
    const short = event("so far") + FAILURE;
    // Long enough to enter the module in several parts, of which the last fails.
    const long = event("so far") + ":\n".repeat(100_000) + FAILURE;
    for (const [text, size] of [[short, short.length], [short, 10], [long, long.length], [long, 1000]] as const) {
      const spoken = await taken(decodeText(bodyOf(cut(text, size)).body));
      equal(spoken.came.join(""), "so far", `chunks of ${size}: text`);
      check(spoken.error?.includes("the model is gone"), `chunks of ${size}: ${spoken.error}`);
      const response = new Response(bodyOf(cut(text, size)).body);
      const chunks = await taken(Stream.fromSSEResponse(response, new AbortController()));
      equal(chunks.came.length, 1, `chunks of ${size}: objects`);
      check(chunks.error?.includes("the model is gone"), `chunks of ${size}: ${chunks.error}`);
    }
  },

  async "a body that is cut or breaks is no whole answer"() {
    const half = WHOLE.slice(0, WHOLE.indexOf(FINISH) + 20);
    const ended = await taken(decodeText(bodyOf(cut(half, 50)).body));
    equal(ended.came.join(""), WORDS.join(""), "the text before the cut");
    check(ended.error !== undefined, "an end in the middle is an error");
    const broken = await taken(decodeText(bodyOf([...cut(half, 50), new Error("the line is down")]).body));
    equal(broken.came.join(""), WORDS.join(""), "the text before the break");
    equal(broken.error, "the line is down", "the platform's own error");
  },

  async "a body that breaks without a reason is no whole answer either"() {
    const broken = (): ReadableStream<Uint8Array> => {
      const chunks = [...cut(event("so far"), 1000)];
      return new ReadableStream({
        pull(controller) {
          const chunk = chunks.shift();
          if (chunk === undefined) controller.error(undefined);
          else controller.enqueue(chunk);
        },
      });
    };
    const items = Stream.fromSSEResponse(new Response(broken()), new AbortController());
    for (const source of [decodeText(broken()), items]) {
      const reader = (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      let ending = "none";
      try {
        while (!(await reader.next()).done);
        ending = "whole";
      } catch {
        ending = "broken";
      }
      equal(ending, "broken", "how it ended");
    }
  },

  async "a body is read ahead of a slow reader within bounds, and let go with the loop"() {
    const endless = (function* () {
      for (;;) yield* cut(event("word "), 1000);
    })();
    const { body, truth } = bodyOf(endless);
    let pieces = 0;
    for await (const piece of decodeText(body)) {
      check(piece.startsWith("word "), "a piece");
      pieces += 1;
      const before = truth.pulls;
      await sleep(1);
      check(truth.pulls - before <= 64, `${truth.pulls - before} chunks were read while nobody asked`);
      if (pieces === 8) break;
    }
    equal(truth.isCancelled, true, "the body is cancelled");
  },

  async "pieces may be asked for before the last has come"() {
    const pieces = decodeText(bodyOf(cut(WHOLE, 40)).body);
    const asked = await Promise.all(Array.from({ length: 200 }, () => pieces.next()));
    equal(asked.map(({ value }) => value ?? "").join(""), WORDS.join(""), "text");
    equal(asked.at(-1)?.done, true, "the end");
  },

  async "objects are what their events say, and nobody else's"() {
    const streams = LIKENESSES.flatMap((events) => [events, [events.join("")]]);
    for (const chunks of streams) {
      const bodies = [...chunks, FINISH + DONE].map((text) => new TextEncoder().encode(text));
      const items = Stream.fromSSEResponse(new Response(bodyOf(bodies).body), new AbortController());
      const said: string[] = [];
      for await (const item of items) {
        said.push(`data: ${JSON.stringify(item)}\n\n`);
        spoil(item);
      }
      equal(said.join(""), chunks.join("") + FINISH, `${chunks.length} chunks`);
    }
  },
};

/** Events of streams, alike in more or less: what one was made of must not show in the next. */
const LIKENESSES = [
  ["", "a", "b", "", "{}", "Grüße", "\u{1f30d}", "c"].map(event),
  ["a", 'in "quotes"', "b", '"', "back\\slash", "\\", "two\nlines", "c"].map(event),
  ['{"role":"assistant","content":""}', '{"content":"a"}', '{"content":"b"}', '{"content":null}', "{}"].map(saying),
  ['{"content":"a","refusal":null}', '{"content":"b","refusal":null}', '{"content":"c","refusal":"b"}'].map(saying),
  ["a", "b", "c"].map((content) => saying(`{"content":"${content}","filter":{"safe":true}}`)),
  ['{"content":"a"}', '{"content":"b","refusal":"no"}', '{"content":"c"}'].map(saying),
  ["a", "b", "c"].map((id) => event("word").replace("{", `{"id":"${id}",`)),
  ['{"reasoning":"a","content":""}', '{"reasoning":"b","content":"c"}', '{"content":"d"}', '{"content":"e"}'].map(saying),
  ['{"tool_calls":[{"index":0,"function":{"arguments":"{\\"content\\":\\"a\\""}}]}', '{"content":"a"}'].map(saying),
  ["a", "bc", "", 'd"'].map((padding) => padded("word", padding)),
  ["a", "b", "c"].map((padding, place) => padded("word", padding).replace(/\}\n/, `,"place":${place >> 1}}\n`)),
  ["a", "b", "c"].map((content) => `data: {"content":"x","choices":[{"index":0,"delta":{"content":"${content}"}}]}\n\n`),
  ["a", "b", "c"].map((content) => event(content).replace("}]}", `}],"meta":{"content":"${content}"}}`)),
  ["a", "b", "c"].map((content) => event(content).replace("}]", `},{"index":0,"delta":{"content":"y"}}]`)),
  ["a", "b", "c"].map((content) => event(content).replace("}]", `},{"index":0,"delta":{}}]`)),
  ["a", "b", "c"].map((content) => `data: {"choices":[{"index":0,"delta":{},"content":"${content}"}]}\n\n`),
  ["a", "b"].map((text) => `data: {"type":"response.output_text.delta","delta":"${text}","obfuscation":"${text}${text}"}\n\n`),
];

function saying(delta: string): string {
  return `data: {"choices":[{"index":0,"delta":${delta}}]}\n\n`;
}

function padded(content: string, padding: string): string {
  return event(content).replace("]}", `],"obfuscation":${JSON.stringify(padding)}}`);
}

/** Changes everything about an object, as its owner may. */
function spoil(value: unknown): void {
  if (!(value instanceof Object)) return;
  for (const [name, inner] of Object.entries(value)) {
    spoil(inner);
    (value as Record<string, unknown>)[name] = "spoilt";
  }
}
