/** One at a time of what comes in batches. */

/** Hands out the items of batches, one to each call of `next`, with one promise and no more. */
export class Unpacked<Item> implements AsyncIterator<Item> {
  #items: Item[] = [];
  #at = 0;
  #isOver = false;
  #refilling: Promise<void> | undefined;
  readonly #more: () => Promise<Item[] | undefined>;
  readonly #leave: () => void;

  /** `more` answers the next batch and `undefined` at the end; `leave` is told that nobody will read
   * on. */
  constructor(more: () => Promise<Item[] | undefined>, leave: () => void) {
    this.#more = more;
    this.#leave = leave;
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#refilling === undefined) {
      if (this.#at < this.#items.length) return Promise.resolve(this.#item());
      if (this.#isOver) return Promise.resolve(END);
      this.#refilling = this.#refill();
    }
    // Calls that are made meanwhile stand in line behind this one.
    return this.#refilling.then(() => this.next());
  }

  return(): Promise<IteratorResult<Item>> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#items = [];
      this.#leave();
    }
    return Promise.resolve(END);
  }

  #item(): IteratorResult<Item> {
    return { value: this.#items[this.#at++] as Item, done: false };
  }

  async #refill(): Promise<void> {
    try {
      const batch = await this.#more();
      this.#at = 0;
      this.#items = batch ?? [];
      if (batch === undefined) this.#isOver = true;
    } catch (error) {
      this.#isOver = true;
      throw error;
    } finally {
      this.#refilling = undefined;
    }
  }
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
