/** One at a time of what comes in batches. */

/** Asks for the next batch, and is told it once: `undefined` at the end, or why there is none. It is asked
 * again only then. */
export type More<Item> = (take: (batch: Item[] | undefined, failure?: Failure) => void) => void;

/** What went wrong: anything can be thrown, `undefined` too. */
interface Failure {
  error: unknown;
}

interface Taker<Item> {
  resolve(result: IteratorResult<Item>): void;
  reject(error: unknown): void;
}

/** Hands out the items of batches, one to each call of `next`, with one promise and no more. */
export class Unpacked<Item> implements AsyncIterableIterator<Item, undefined> {
  #items: Item[] = [];
  #at = 0;
  #isOver = false;
  #isAsking = false;
  /** Those who stand in line. */
  readonly #takers: Taker<Item>[] = [];
  readonly #more: More<Item>;
  readonly #leave: () => void;

  /** `leave` is told that nobody will read on. */
  constructor(more: More<Item>, leave: () => void) {
    this.#more = more;
    this.#leave = leave;
  }

  next(): Promise<IteratorResult<Item>> {
    return new Promise(this.#wait);
  }

  return(value?: unknown): Promise<IteratorResult<Item>> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#items = [];
      this.#leave();
    }
    return Promise.resolve({ value, done: true });
  }

  /** Ends it, as a generator does. */
  async throw(error?: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #wait = (resolve: Taker<Item>["resolve"], reject: Taker<Item>["reject"]): void => {
    this.#takers.push({ resolve, reject });
    if (!this.#isAsking) this.#serve();
  };

  #serve(): void {
    for (let taker = this.#takers[0]; taker !== undefined; taker = this.#takers[0]) {
      if (this.#at < this.#items.length) {
        taker.resolve({ value: this.#items[this.#at++] as Item, done: false });
      } else if (this.#isOver) {
        taker.resolve(END);
      } else {
        this.#isAsking = true;
        return this.#more(this.#take);
      }
      this.#takers.shift();
    }
  }

  readonly #take = (batch: Item[] | undefined, failure?: Failure): void => {
    this.#isAsking = false;
    this.#at = 0;
    this.#items = batch ?? [];
    if (batch === undefined) this.#isOver = true;
    if (failure !== undefined) {
      this.#leave();
      this.#takers.shift()?.reject(failure.error);
    }
    this.#serve();
  };
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
