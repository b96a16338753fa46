/** A body's chunks, all that have arrived at a time. */

/** Reads of a body that are under way at most. */
const READS_MAX = 64;

interface Taker {
  resolve(chunks: Uint8Array[] | undefined): void;
  reject(error: unknown): void;
}

/** Reads a body ahead of whoever takes its chunks, as far as it has proven to be faster: to decode all that
 * has arrived by then costs little more than to decode each of them. */
export class Arrivals {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #arrived: Uint8Array[] = [];
  #readsAtOnce = 1;
  #readsUnderWay = 0;
  #isOver = false;
  #failure: { error: unknown } | undefined;
  readonly #takers: Taker[] = [];
  #isSettling = false;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** What has arrived and was not taken yet; `undefined` after the end. */
  next(): Promise<Uint8Array[] | undefined> {
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      if (!this.#isSettling) this.#settle();
    });
  }

  /** Nothing more is wanted. */
  cancel(): Promise<void> {
    this.#isOver = true;
    return this.#reader.cancel();
  }

  #read(): void {
    for (; this.#readsUnderWay < this.#readsAtOnce; this.#readsUnderWay += 1) {
      this.#reader.read().then(this.#take, this.#fail);
    }
  }

  readonly #take = ({ done, value }: ReadableStreamReadResult<Uint8Array>): void => {
    this.#readsUnderWay -= 1;
    if (done) this.#isOver = true;
    else this.#arrived.push(value);
    this.#settleSoon();
  };

  readonly #fail = (error: unknown): void => {
    this.#isOver = true;
    this.#failure ??= { error };
    this.#settleSoon();
  };

  /** Reads that are done already say so in this round of microtasks, each before what follows the
   * first of them. */
  #settleSoon(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    queueMicrotask(this.#settle);
  }

  readonly #settle = (): void => {
    this.#isSettling = false;
    for (let taker = this.#takers[0]; taker !== undefined; taker = this.#takers[0]) {
      if (this.#arrived.length > 0) taker.resolve(this.#all());
      else if (this.#failure !== undefined) taker.reject(this.#failure.error);
      else if (this.#isOver) taker.resolve(undefined);
      else return this.#read();
      this.#takers.shift();
    }
  };

  #all(): Uint8Array[] {
    const arrived = this.#arrived;
    this.#arrived = [];
    const isFaster = this.#readsUnderWay === 0;
    this.#readsAtOnce = isFaster ? Math.min(2 * this.#readsAtOnce, READS_MAX) : arrived.length;
    return arrived;
  }
}
