/** A stream of objects, as the main entry has it: what the drop-in's `Stream` can do without its makers. */

import type { Piece, StreamCall } from "../call.ts";
import { APIUserAbortError, KneepointError } from "../errors.ts";
import { readableOf } from "../readable.ts";
import { Parser } from "./template.ts";
import { type More, Unpacked } from "./unpack.ts";

/** What makes a stream of an iterator. */
export type StreamClass = new <Item>(
  iterator: () => AsyncIterator<Item>,
  controller: AbortController,
) => ItemStream<Item>;

/** A stream of objects. It can be read once; `tee` makes two of it. */
export class ItemStream<Item> implements AsyncIterable<Item> {
  /** Aborting it takes the call back. What is read from here on ends without an error. */
  controller: AbortController;
  /** What hands them out. Libraries that watch a stream put a function of theirs in its place. @internal */
  iterator: () => AsyncIterator<Item>;

  /** A stream of what the iterator hands out. */
  constructor(iterator: () => AsyncIterator<Item>, controller: AbortController) {
    this.iterator = iterator;
    this.controller = controller;
  }

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return this.iterator();
  }

  /** Two streams of the same objects. What only one of them has read is kept for the other. */
  tee(): [this, this] {
    const source = this.iterator();
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
    const Class = this.constructor as StreamClass;
    const [left, right] = queues.map((queue) => new Class(() => branch(queue), this.controller));
    return [left as this, right as this];
  }

  /** The objects as JSON, one in each line. `Stream.fromReadableStream` reads it. */
  toReadableStream(): ReadableStream {
    const encoder = new TextEncoder();
    return readableOf(this[Symbol.asyncIterator](), (item) => encoder.encode(`${JSON.stringify(item)}\n`));
  }
}

/** The objects of a call's events. */
export function streamOf<Item>(call: StreamCall, Class: StreamClass): ItemStream<Item> {
  const controller = new AbortController();
  const parser = new Parser<Item>();
  controller.signal.addEventListener("abort", () => call.abort(), { once: true });
  const parsed = (piece: Piece | undefined, error: Error | undefined): Item[] | undefined => {
    if (error === undefined) return piece && parser.parse(piece.text);
    if (!(error instanceof APIUserAbortError)) throw error;
    // Whoever takes a call back knows it. The controller says so to others.
    controller.abort();
    return undefined;
  };
  const more: More<Item> = (take) => {
    call.take((piece, failure) => {
      let batch: Item[] | undefined;
      try {
        batch = parsed(piece, failure);
      } catch (error) {
        // Nothing may be thrown at the module, which calls this.
        return take(undefined, { error });
      }
      take(batch);
    });
  };
  return new Class(
    once(more, () => controller.abort()),
    controller,
  );
}

/** Lets a stream be read once, by the iterator that is asked first: libraries make some that they never ask. */
export function once<Item>(more: More<Item>, leave: () => void): () => AsyncIterator<Item> {
  let reader: AsyncIterator<Item> | undefined;
  return () => {
    const iterator: AsyncIterator<Item> = new Unpacked<Item>(
      (take) => {
        reader ??= iterator;
        if (reader === iterator) more(take);
        else take(undefined, { error: new KneepointError(READ_ALREADY, { kind: "stream" }) });
      },
      () => {
        if (reader === undefined || reader === iterator) leave();
      },
    );
    return iterator;
  };
}

const READ_ALREADY = "this stream has been read already; `tee` makes two of one";
