/** JSON of which only the beginning is there. Pure. */

/** What the beginning of a JSON text says: whole members, open texts as far as they go. Numbers and
 * words count once something follows them, since they might go on. `null` where it says nothing. */
export function partial(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new Reader(text).value() ?? null;
  }
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
    this.#at += 1;
    for (;;) {
      if (this.#next() !== '"') return object;
      const { text: name, isWhole } = this.#string();
      if (!isWhole || this.#next() !== ":") return object;
      this.#at += 1;
      const value = this.value();
      // Assigning would call the setter of `__proto__`.
      if (value !== undefined) {
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      }
      if (this.#next() !== ",") {
        this.#at += 1;
        return object;
      }
      this.#at += 1;
    }
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
    let end = begin + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === "\\" ? 2 : 1;
    const isWhole = end < this.#text.length;
    this.#at = Math.min(end + 1, this.#text.length);
    // An escape that has only begun says nothing yet.
    const known = isWhole ? this.#text.slice(begin, end) : this.#text.slice(begin).replace(/\\(?:u[\da-f]{0,3})?$/i, "");
    const isCut = !isWhole && /(?:^|[^\\])(?:\\\\)*\\$/.test(known);
    return { text: JSON.parse(`${isCut ? known.slice(0, -1) : known}"`) as string, isWhole };
  }

  #plain(): unknown {
    const [word = ""] = /^[^\s,\]}]*/.exec(this.#text.slice(this.#at)) ?? [];
    this.#at += word.length;
    if (this.#at >= this.#text.length || word === "") return undefined;
    const known = WORDS.find(([name]) => name === word);
    const number = Number(word);
    return known === undefined ? (Number.isNaN(number) ? undefined : number) : known[1];
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
