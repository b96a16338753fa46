/**
 * A stream of objects, as OpenAI's SDK has it: an async iterable that can be read once.
 *
 * @packageDocumentation
 */

import * as core from "#core";
import type { StreamCall } from "../call.ts";
import { enter, ready } from "../engine.ts";
import { APIUserAbortError, errorOf, KneepointError, type Told } from "../errors.ts";
import { _iterSSEMessages, bodiless, named } from "./sse.ts";
import { Unpacked } from "./unpack.ts";

export { _iterSSEMessages, type ServerSentEvent } from "./sse.ts";

/** A stream of objects. It can be read once; `tee` makes two of it. */
export class Stream<Item> implements AsyncIterable<Item> {
  /** Aborting it takes the call back. What is read from here on ends without an error. */
  controller: AbortController;
  readonly #begin: () => AsyncIterator<Item>;

  /** A stream of what the iterator hands out. */
  constructor(iterator: () => AsyncIterator<Item>, controller: AbortController) {
    this.#begin = iterator;
    this.controller = controller;
  }

  /**
   * The objects in the data of a response's events.
   *
   * An event named `error`, or an object with an `error`, is thrown. So is an end in the middle of
   * chat completions; of other objects nobody can tell where they end. With `synthesizeEventData`, each
   * item is `{ event, data }`.
   */
  static fromSSEResponse<Item>(
    response: Response,
    controller: AbortController,
    _client?: unknown,
    synthesizeEventData = false,
  ): Stream<Item> {
    const begin = (): AsyncIterator<Item> => {
      if (synthesizeEventData) return named<Item>(_iterSSEMessages(response, controller));
      const { body, headers } = response;
      if (body === null) throw bodiless(controller);
      return reading(body, controller, new EventReader<Item>(headers));
    };
    return new Stream(once(begin), controller);
  }

  /** The objects in a stream of JSON, one in each line, such as {@link toReadableStream} makes. */
  static fromReadableStream<Item>(
    readableStream: ReadableStream,
    controller: AbortController,
  ): Stream<Item> {
    return new Stream(
      once(() => reading(readableStream, controller, new LineReader<Item>())),
      controller,
    );
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return this.#begin();
  }

  /** Two streams of the same objects. What only one of them has read is kept for the other. */
  tee(): [Stream<Item>, Stream<Item>] {
    const source = this.#begin();
    const queues: Promise<IteratorResult<Item>>[][] = [[], []];
    const branch = (queue: Promise<IteratorResult<Item>>[]): AsyncIterator<Item> => ({
      next: () => {
        if (queue.length === 0) {
          const item = source.next();
          for (const each of queues) each.push(item);
        }
        return queue.shift() as Promise<IteratorResult<Item>>;
      },
    });
    const [left, right] = queues.map((queue) => new Stream(() => branch(queue), this.controller));
    return [left as Stream<Item>, right as Stream<Item>];
  }

  /** The objects as JSON, one in each line. {@link fromReadableStream} reads it. */
  toReadableStream(): ReadableStream {
    let items: AsyncIterator<Item>;
    const encoder = new TextEncoder();
    return new ReadableStream({
      start: () => {
        items = this[Symbol.asyncIterator]();
      },
      async pull(controller) {
        const { value, done } = await items.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      },
      async cancel() {
        await items.return?.();
      },
    });
  }
}

/** The objects of a call's events: one `JSON.parse` for each chunk of the network. */
export function streamOf<Item>(call: StreamCall): Stream<Item> {
  const controller = new AbortController();
  controller.signal.addEventListener("abort", () => call.abort(), { once: true });
  const more = async (): Promise<Item[] | undefined> => {
    try {
      const piece = await call.next();
      return piece && (JSON.parse(`[${piece.text}]`) as Item[]);
    } catch (error) {
      if (!(error instanceof APIUserAbortError)) throw error;
      // Whoever takes a call back knows it. The controller says so to others.
      controller.abort();
      return undefined;
    }
  };
  return new Stream(
    once(() => new Unpacked(more, () => controller.abort())),
    controller,
  );
}

/** Lets a stream be read once. */
function once<Item>(begin: () => AsyncIterator<Item>): () => AsyncIterator<Item> {
  let isTaken = false;
  return () => {
    if (isTaken) {
      throw new KneepointError("this stream has been read already; `tee` makes two of one", {
        kind: "stream",
      });
    }
    isTaken = true;
    return begin();
  };
}

/** Makes objects of chunks. */
interface ChunkReader<Item> {
  /** Called before the first chunk. */
  begin(): Promise<void> | void;
  feed(chunk: Uint8Array): Item[];
  /** What is left at the end. */
  finish(): Item[];
}

/** Reads a body that somebody else has fetched. */
function reading<Item>(
  body: ReadableStream,
  controller: AbortController,
  items: ChunkReader<Item>,
): AsyncIterator<Item> {
  let reader: ReadableStreamDefaultReader<unknown> | undefined;
  let isEnded = false;
  const cancel = (): void => void reader?.cancel().catch(() => {});
  const close = (): void => {
    isEnded = true;
    controller.signal.removeEventListener("abort", cancel);
  };
  const more = async (): Promise<Item[] | undefined> => {
    if (isEnded) return undefined;
    try {
      if (reader === undefined) {
        reader = body.getReader();
        controller.signal.addEventListener("abort", cancel, { once: true });
        await items.begin();
      }
      const { value, done } = await reader.read();
      if (controller.signal.aborted) {
        cancel();
        return undefined;
      }
      if (!done) return items.feed(bytesOf(value));
      close();
      return items.finish();
    } catch (error) {
      const { signal } = controller;
      const wasAborted = (signal.aborted && error === signal.reason) || (error as Error | null)?.name === "AbortError";
      close();
      cancel();
      if (wasAborted) return undefined;
      controller.abort();
      throw error;
    }
  };
  return new Unpacked(more, () => {
    close();
    cancel();
    controller.abort();
  });
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (typeof chunk === "string") return new TextEncoder().encode(chunk);
  throw new KneepointError("this stream holds something that is neither bytes nor text", {
    kind: "stream",
  });
}

/** Reads events. */
class EventReader<Item> implements ChunkReader<Item> {
  readonly #headers: Headers;
  #decoder!: core.Decoder;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  async begin(): Promise<void> {
    await ready();
    this.#decoder = enter(() => new core.Decoder(true));
  }

  feed(chunk: Uint8Array): Item[] {
    return this.#told(() => this.#decoder.feed(chunk));
  }

  finish(): Item[] {
    try {
      return this.#told(() => this.#decoder.finish());
    } finally {
      this.#decoder.free();
    }
  }

  #told(work: () => string): Item[] {
    try {
      return JSON.parse(`[${enter(work)}]`) as Item[];
    } catch (error) {
      throw error instanceof Error ? error : errorOf(error as Told, undefined, this.#headers);
    }
  }
}

/** Reads lines. */
class LineReader<Item> implements ChunkReader<Item> {
  readonly #decoder = new TextDecoder();
  #rest: string[] = [];

  begin(): void {}

  feed(chunk: Uint8Array): Item[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n");
    if (end < 0) {
      // Joined once, at the line's end: a long line may come in many chunks.
      this.#rest.push(text);
      return [];
    }
    const lines = this.#rest.join("") + text.slice(0, end);
    this.#rest = [text.slice(end + 1)];
    return objectsIn(lines);
  }

  finish(): Item[] {
    return objectsIn(this.#rest.join("") + this.#decoder.decode());
  }
}

function objectsIn<Item>(lines: string): Item[] {
  const filled = lines.split(/\r?\n/).filter((line) => line.trim() !== "");
  return JSON.parse(`[${filled.join(",")}]`) as Item[];
}
