/** The text of an answer, piece by piece. */

import type { Answer, Delta, StreamCall, ToolCall } from "./call.ts";
import { type Generated, generated } from "./generated.ts";
import { readableOf } from "./readable.ts";
import type { Timing } from "./record.ts";

/** A stream of text. It can be read once. */
export class TextStream implements AsyncIterable<string> {
  readonly #call: StreamCall;
  /** Joined once: a text that grows by each piece is a chain that the garbage collector follows. */
  readonly #texts: string[] = [];
  readonly #answer: Omit<Answer, "text"> = { toolCalls: [] };
  readonly #calls = new Map<number, ToolCall>();
  #isTaken = false;
  /** Whether the reader went away, and wants to hear no more. */
  #isLeft = false;
  /** How it ended, where it did not end well. */
  #failure: Error | undefined;
  /** What reads it to its end, where that is `result`. */
  #reading: Promise<void> | undefined;

  /** @internal */
  constructor(call: StreamCall) {
    this.#call = call;
  }

  /** What the cache has to do with it, once there is content: `timing` tells only at the end. */
  get cache(): Promise<Timing["cache"]> {
    const { begin, asksCache } = this.#call;
    return begin.then((reply) => (reply === undefined ? "hit" : asksCache ? "miss" : "bypass"));
  }

  /** Takes the call back; what is read from here on ends. */
  abort(): void {
    this.#call.abort();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<string, void, undefined> {
    if (this.#isTaken) throw new TypeError("this stream is being read already; `tee` makes two of it");
    this.#isTaken = true;
    const iterator: AsyncIterableIterator<string, void, undefined> = {
      next: () => new Promise((resolve, reject) => this.#take(resolve, reject)),
      return: () => {
        this.#isLeft = true;
        this.abort();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Resolves with the next piece that has text. */
  #take(resolve: (result: IteratorResult<string, void>) => void, reject: (error: Error) => void) {
    this.#call.take((piece, error) => {
      this.#failure ??= error;
      if (error !== undefined && !this.#isLeft) {
        reject(error);
      } else if (piece === undefined || this.#isLeft) {
        resolve({ done: true, value: undefined });
      } else {
        if (piece.deltas !== undefined) for (const delta of piece.deltas) this.#note(delta);
        if (piece.text === "") return this.#take(resolve, reject);
        this.#texts.push(piece.text);
        resolve({ done: false, value: piece.text });
      }
    });
  }

  /** Reads what is left, and answers the whole; a stream that failed fails here too, whoever read it. */
  async result(): Promise<Generated> {
    if (!this.#isTaken) this.#reading = this.#readAll();
    await this.#reading;
    if (this.#failure !== undefined) throw this.#failure;
    const { record } = this.#call;
    const reply = await this.#call.begin;
    if (record === undefined) throw new TypeError("this stream has not been read to its end");
    const answer = { text: this.#texts.join(""), ...this.#answer, toolCalls: [...this.#calls.values()] };
    return generated(answer, record, reply);
  }

  async #readAll(): Promise<void> {
    for await (const _ of this);
  }

  /** The text as a stream of the platform's. */
  toReadableStream(): ReadableStream<string> {
    return readableOf(this[Symbol.asyncIterator](), (text) => text);
  }

  /** Two streams of the same text. What only one of them has read is kept for the other. */
  tee(): [ReadableStream<string>, ReadableStream<string>] {
    return this.toReadableStream().tee();
  }

  #note(delta: Delta): void {
    const answer = this.#answer;
    if ("choice" in delta && delta.choice !== 0) return;
    switch (delta.kind) {
      case "begin":
        if (delta.id !== undefined) answer.id = delta.id;
        if (delta.model !== undefined) answer.model = delta.model;
        break;
      case "reasoning":
      case "refusal":
        answer[delta.kind] = (answer[delta.kind] ?? "") + delta.text;
        break;
      case "finish":
        answer.finishReason = delta.reason;
        break;
      case "tool_call": {
        const call = this.#calls.get(delta.index) ?? { arguments: "" };
        if (delta.id !== undefined) call.id = delta.id;
        if (delta.name !== undefined) call.name = delta.name;
        call.arguments += delta.arguments;
        if (delta.extraContent !== undefined) call.extraContent = delta.extraContent;
        this.#calls.set(delta.index, call);
        break;
      }
      default:
    }
  }
}
