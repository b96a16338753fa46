/** Events as something that is read, each once, in the order in which they come. */

/** Reads what it is told. What comes while nobody reads is kept. */
export class Listening<Item> implements AsyncIterableIterator<Item> {
  readonly #kept: Item[] = [];
  readonly #readers: { resolve(result: IteratorResult<Item>): void; reject(error: Error): void }[] = [];
  readonly #leave: () => void;
  #failure: Error | undefined;
  #isOver = false;

  /** `begin` is given whom to tell of events, of a failure, of the end. It answers how to stop. */
  constructor(begin: (tell: (item: Item) => void, fail: (error: Error) => void, end: () => void) => () => void) {
    this.#leave = begin(
      (item) => this.#tell(item),
      (error) => {
        this.#failure ??= error;
      },
      () => this.#end(),
    );
    if (this.#isOver) this.#leave();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Item>> {
    if (this.#kept.length > 0) return Promise.resolve({ value: this.#kept.shift() as Item, done: false });
    const failure = this.#isOver ? this.#failure : undefined;
    if (failure !== undefined) {
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#isOver) return Promise.resolve(END);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Item>> {
    this.#failure = undefined;
    this.#kept.length = 0;
    this.#end();
    return Promise.resolve(END);
  }

  #tell(item: Item): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#kept.push(item);
    else reader.resolve({ value: item, done: false });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leave?.();
    const [first, ...others] = this.#readers.splice(0);
    if (this.#failure === undefined) first?.resolve(END);
    else first?.reject(this.#failure);
    // One reader hears of a failure; where nobody reads yet, the next one will.
    if (first !== undefined) this.#failure = undefined;
    for (const reader of others) reader.resolve(END);
  }
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
