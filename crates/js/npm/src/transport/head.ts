/** What a request begins with: method, address and header fields, as the module tells them. */

export class RequestHead {
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly fields: string[];
  #pairs: [string, string][] | undefined;

  /** Of a method, a URL, and names and values in turn, a line each. */
  constructor(lines: string) {
    const [method = "", url = "", ...fields] = lines.split("\n");
    // The last line, too, has an end.
    fields.pop();
    const path = url.indexOf("/", url.indexOf("://") + 3);
    this.method = method;
    this.url = url;
    this.origin = path < 0 ? url : url.slice(0, path);
    this.path = path < 0 ? "/" : url.slice(path);
    this.fields = fields;
  }

  /** The fields, each of them a name and a value. */
  get pairs(): [string, string][] {
    this.#pairs ??= pairsOf(this.fields);
    return this.#pairs;
  }
}

function pairsOf(fields: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    pairs.push([fields[i] as string, fields[i + 1] as string]);
  }
  return pairs;
}
