/** JSON of which only the beginning is there. Pure. */

/** What the beginning of a JSON text says: whole members, open texts as far as they go, words that can be
 * told. Numbers count once something follows them, since they might go on. `null` where it says nothing,
 * or is no JSON. */
export function partial(text: string): unknown {
  for (const read of [JSON.parse, (begun: string) => new Reader(begun).value() ?? null]) {
    try {
      return read(text) as unknown;
    } catch {
      // Then as far as it goes, and then not at all.
    }
  }
  return null;
}

const WORDS: [string, unknown][] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/** Reads as far as there is something. `undefined` stands for what is not there. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    this.#skip();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object();
      case "[":
        return this.#list();
      case '"':
        return this.#string().text;
      default:
        return this.#plain();
    }
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    do {
      this.#at += 1;
      if (this.#next() !== '"') break;
      const { text: name, isWhole } = this.#string();
      if (!isWhole || this.#next() !== ":") break;
      this.#at += 1;
      const value = this.value();
      // Assigning would call the setter of `__proto__`.
      if (value !== undefined) {
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      }
    } while (this.#next() === ",");
    this.#at += 1;
    return object;
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    do {
      this.#at += 1;
      const value = this.#next() === "]" ? undefined : this.value();
      if (value !== undefined) list.push(value);
    } while (this.#next() === ",");
    this.#at += 1;
    return list;
  }

  #string(): { text: string; isWhole: boolean } {
    const begin = this.#at;
    const { length } = this.#text;
    let end = begin + 1;
    while (end < length && this.#text[end] !== '"') {
      const step = this.#text[end] !== "\\" ? 1 : this.#text[end + 1] === "u" ? 6 : 2;
      // An escape that has only begun says nothing yet.
      if (end + step > length) break;
      end += step;
    }
    const isWhole = this.#text[end] === '"';
    this.#at = isWhole ? end + 1 : length;
    return { text: JSON.parse(`${this.#text.slice(begin, end)}"`) as string, isWhole };
  }

  #plain(): unknown {
    const begin = this.#at;
    while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text[this.#at] as string)) this.#at += 1;
    const word = this.#text.slice(begin, this.#at);
    if (word === "") return undefined;
    const known = WORDS.find(([name]) => name.startsWith(word));
    if (known !== undefined) return known[1];
    // A number might go on.
    return this.#at < this.#text.length ? (JSON.parse(word) as unknown) : undefined;
  }

  /** The next character that is no blank. */
  #next(): string | undefined {
    this.#skip();
    return this.#text[this.#at];
  }

  #skip(): void {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }
}
