/** A stream of objects, as OpenAI's SDK has it: an async iterable that can be read once. */

import { bytesOf } from "../bytes.ts";
import { Decoding } from "../decoding.ts";
import { ItemStream, once } from "./item_stream.ts";
import { bodiless, named } from "./sse.ts";
import { Parser } from "./template.ts";
import type { More } from "./unpack.ts";

/** A stream of objects. It can be read once; `tee` makes two of it. */
export class Stream<Item> extends ItemStream<Item> {
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
    if (synthesizeEventData) return over(...handing(named<Item>(response, controller), controller), controller);
    const { body, headers } = response;
    if (body === null) {
      return over((take) => take(undefined, { error: bodiless(controller) }), () => {}, controller);
    }
    return over(...reading(body, controller, new EventReader<Item>(headers)), controller);
  }

  /** The objects in a stream of JSON, one in each line, such as {@link toReadableStream} makes. */
  static fromReadableStream<Item>(
    readableStream: ReadableStream,
    controller: AbortController,
  ): Stream<Item> {
    return over(...reading(readableStream, controller, new LineReader<Item>()), controller);
  }
}

/** Bundlers rename classes that name themselves inside, and streams are printed by name. */
function over<Item>(more: More<Item>, leave: () => void, controller: AbortController): Stream<Item> {
  return new Stream(once(more, leave), controller);
}

/** What asks for more, and what is told that nobody will read on. */
type Source<Item> = [more: More<Item>, leave: () => void];

/** Hands on what a generator makes. */
function handing<Item>(made: AsyncGenerator<Item, void, undefined>, controller: AbortController): Source<Item> {
  const more: More<Item> = (take) => {
    made.next().then(
      ({ value, done }) => take(done ? undefined : [value as Item]),
      (error: unknown) => take(undefined, { error }),
    );
  };
  const leave = (): void => {
    controller.abort();
    made.return().catch(() => {});
  };
  return [more, leave];
}

/** Makes objects of chunks. */
interface ChunkReader<Item> {
  /** Called before the first chunk. */
  begin(): Promise<void> | void;
  feed(chunk: Uint8Array): Item[];
  /** What is left at the end. */
  finish(): Item[];
  /** What is wrong after all that was handed out. */
  readonly failure: Error | undefined;
}

/** Reads a body that somebody else has fetched. */
function reading<Item>(
  body: ReadableStream,
  controller: AbortController,
  items: ChunkReader<Item>,
): Source<Item> {
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
      if (items.failure !== undefined) throw items.failure;
      const { value, done } = await reader.read();
      if (controller.signal.aborted) {
        cancel();
        return undefined;
      }
      if (!done) return items.feed(bytesOf(value));
      const last = items.finish();
      if (items.failure === undefined) close();
      return last;
    } catch (error) {
      const { signal } = controller;
      const wasAborted = (signal.aborted && error === signal.reason) || (error as Error | null)?.name === "AbortError";
      close();
      cancel();
      if (wasAborted) return undefined;
      throw error;
    }
  };
  const tellMore: More<Item> = (take) => {
    more().then(take, (error: unknown) => take(undefined, { error }));
  };
  const leave = (): void => {
    close();
    cancel();
    controller.abort();
  };
  return [tellMore, leave];
}

/** Reads events. */
class EventReader<Item> implements ChunkReader<Item> {
  readonly #headers: Headers;
  readonly #parser = new Parser<Item>();
  #decoding!: Decoding;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  get failure(): Error | undefined {
    return this.#decoding.failure;
  }

  async begin(): Promise<void> {
    this.#decoding = await Decoding.begin(true, this.#headers);
  }

  feed(chunk: Uint8Array): Item[] {
    return this.#parser.parse(this.#decoding.feed([chunk]));
  }

  finish(): Item[] {
    try {
      return this.#parser.parse(this.#decoding.finish());
    } finally {
      this.#decoding.free();
    }
  }
}

/** Reads lines, ended by CR, LF or both. */
class LineReader<Item> implements ChunkReader<Item> {
  failure: Error | undefined;
  readonly #decoder = new TextDecoder();
  #rest: string[] = [];

  begin(): void {}

  feed(chunk: Uint8Array): Item[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const end = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r"));
    if (end < 0) {
      // Joined once, at the line's end: a long line may come in many chunks.
      this.#rest.push(text);
      return [];
    }
    const lines = this.#rest.join("") + text.slice(0, end);
    this.#rest = [text.slice(end + 1)];
    return this.#objectsIn(lines);
  }

  finish(): Item[] {
    return this.#objectsIn(this.#rest.join("") + this.#decoder.decode());
  }

  #objectsIn(lines: string): Item[] {
    const filled = lines.split(/[\r\n]+/).filter((line) => line.trim() !== "");
    try {
      return JSON.parse(`[${filled.join(",")}]`) as Item[];
    } catch {
      return this.#objectsBeforeFailure(filled);
    }
  }

  /** What stands before a line that is none has been said all the same. */
  #objectsBeforeFailure(lines: string[]): Item[] {
    const items: Item[] = [];
    for (const line of lines) {
      try {
        items.push(JSON.parse(line) as Item);
      } catch (error) {
        this.failure = error as Error;
        break;
      }
    }
    return items;
  }
}
