/** Requests by way of a function of `fetch`'s shape: the platform's own, or a user's. */

import * as core from "#core";
import { runtime } from "#runtime";
import { instance, tell } from "../engine.ts";
import { readableOf } from "../readable.ts";
import type { Reply } from "../reply.ts";
import { doAt, type Visit } from "../visit.ts";
import type { RequestHead } from "./head.ts";
import {
  type Connections,
  type FetchLike,
  type Gathering,
  noteSent,
  type Sender,
  tellFailure,
  tellHead,
  type Transport,
  type TransportOptions,
} from "./transport.ts";

/** What was called `fetch` when this was loaded. */
const platforms = globalThis.fetch;

/** Whether another function has taken its place: the mock of a test, say, which must see all requests. */
export const isReplaced = (): boolean => globalThis.fetch !== platforms;

interface Exchange {
  /** Which instance waits for it. In another one its id is somebody else's. */
  readonly instance: number;
  readonly call: Sender;
  readonly gathering: Gathering | undefined;
  readonly visit: Visit | undefined;
  /** Called where the visit ends before the exchange does. */
  readonly lost: () => void;
  abort?: AbortController;
  reader?: ReadableStreamDefaultReader<Uint8Array> | undefined;
  reply?: Reply;
}

/** The way out where `fetch` is the fastest there is. */
export function transportOf(options: TransportOptions): Transport {
  return new FetchTransport(options);
}

export class FetchTransport implements Transport {
  /** The platform has a socket back in its pool only some moments after a body has ended. */
  readonly turns = true;
  readonly opaque = runtime.name === "browser";
  readonly #fetch: FetchLike;
  /** Whether that is a user's. */
  readonly #isOwn: boolean;
  readonly #init: Readonly<Record<string, unknown>>;
  /** By their ids, which the module uses again; see `Crowd` for why this is no `Map`. */
  readonly #exchanges: (Exchange | undefined)[] = [];

  constructor(options: TransportOptions) {
    this.#isOwn = options.fetch !== undefined;
    this.#fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#init = options.fetchOptions ?? {};
  }

  open(id: number, call: Sender, { method, url, pairs }: RequestHead, gathering: Gathering | undefined): void {
    const { body } = call;
    const visit = call.visit?.standing();
    const lost = () => this.#fail(id, exchange, new Error("the visitor's request that began this one is over"));
    const exchange: Exchange = { instance: instance(), call, gathering, visit, lost };
    this.#exchanges[id] = exchange;
    noteSent(call);
    visit?.hold(lost);
    doAt(visit, () => {
      exchange.abort = new AbortController();
      void this.#send(id, exchange, url, {
        ...this.#init,
        ...call.fetchOptions,
        method,
        // Functions of users' own may look at them.
        headers: this.#isOwn || isReplaced() ? new Headers(pairs) : pairs,
        // Following one would carry the key to another address.
        redirect: "manual",
        signal: exchange.abort.signal,
        ...(body === undefined ? {} : { body }),
        // Platforms want to be told that nobody reads the answer before all has been sent.
        ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
      });
    });
  }

  async #send(id: number, exchange: Exchange, url: string, init: RequestInit): Promise<void> {
    try {
      // A user's function may use the client that calls it, which must not happen from inside.
      await undefined;
      if (this.#isOver(id, exchange)) return;
      const response = checked(await this.#fetch(url, init));
      if (this.#isOver(id, exchange)) {
        void response.body?.cancel().catch(() => {});
        return;
      }
      if (response.type === "opaqueredirect") {
        tell(() => core.redirected(id));
        return;
      }
      exchange.reader = bodyOf(response)?.getReader();
      exchange.reply = reply(response, url);
      tellHead(id, exchange.call, exchange.reply);
      const { gathering, reply: head } = exchange;
      const isSuccess = head.status >= 200 && head.status <= 299;
      if (isSuccess && gathering !== undefined) await this.#gather(id, exchange, gathering);
    } catch (error) {
      this.#fail(id, exchange, error);
    }
  }

  /** Whether nobody waits for it any more. */
  #isOver(id: number, exchange: Exchange): boolean {
    return this.#exchanges[id] !== exchange || exchange.instance !== instance();
  }

  #fail(id: number, exchange: Exchange, error: unknown): void {
    if (this.#isOver(id, exchange)) return;
    tellFailure(id, exchange.call, exchange.reply !== undefined, error);
  }

  read(id: number): void {
    const exchange = this.#exchanges[id];
    if (exchange !== undefined) doAt(exchange.visit, () => void this.#read(id, exchange));
  }

  async #read(id: number, exchange: Exchange): Promise<void> {
    try {
      const chunk = await next(exchange);
      if (this.#isOver(id, exchange)) return;
      if (chunk === undefined) {
        tell(() => core.end(id));
        return;
      }
      exchange.reply?.chunks.push(chunk);
      tell(() => core.chunk(id, chunk));
    } catch (error) {
      this.#fail(id, exchange, error);
    }
  }

  /** Reads the whole body. */
  async #gather(id: number, exchange: Exchange, gathering: Gathering): Promise<void> {
    const reply = exchange.reply as Reply;
    while (!this.#isOver(id, exchange)) {
      const chunk = await next(exchange);
      if (this.#isOver(id, exchange)) return;
      if (chunk === undefined) {
        if (gathering.tell(id, reply)) return;
        gathering.give(id, reply);
        tell(() => core.end(id));
        return;
      }
      reply.chunks.push(chunk);
      if (!gathering.take(chunk)) {
        gathering.give(id, reply);
        return;
      }
    }
  }

  close(id: number): void {
    const exchange = this.#exchanges[id];
    this.#exchanges[id] = undefined;
    close(exchange);
  }

  connections(): Connections {
    return { opened: undefined, open: undefined, reused: undefined };
  }

  protocol(): undefined {
    return undefined;
  }

  reset(): () => void {
    const exchanges = this.#exchanges.splice(0);
    return () => exchanges.forEach(close);
  }

  /** The connections are the platform's. */
  dispose(): void {}
}

/** Aborts what is under way of an exchange, if there is one. */
function close(exchange: Exchange | undefined): void {
  if (exchange === undefined) return;
  const { visit, reply, reader } = exchange;
  if (reply === undefined || reader !== undefined) {
    doAt(visit, () => {
      exchange.abort?.abort();
      reader?.cancel().catch(() => {});
    });
  }
  visit?.release(exchange.lost);
}

/** The next chunk of a body; none at its end. */
async function next(exchange: Exchange): Promise<Uint8Array | undefined> {
  const read = await exchange.reader?.read();
  if (read === undefined || read.done) {
    exchange.reader = undefined;
    return undefined;
  }
  if (!(read.value instanceof Uint8Array)) throw new TypeError("the body holds no bytes");
  return read.value;
}

/** Refuses what a function of a user's answers with where that is only shaped like a response. */
function checked(response: Response | undefined): Response {
  const isWhole = typeof response?.status === "number" && Symbol.iterator in Object(response.headers);
  if (isWhole) return response;
  throw Object.assign(new TypeError("fetch answered with something that is no Response"), {
    code: "ERR_INVALID_ARG_TYPE",
  });
}

/** Its body as a stream of the platform's. Functions of users' own may answer with Node's streams, as node-fetch does,
 * or with methods alone, as mocks do. */
function bodyOf(response: Response): ReadableStream<Uint8Array> | null | undefined {
  const { body } = response;
  if (response instanceof Response || typeof body?.getReader === "function") return body;
  const pieces = (body as AsyncIterable<Uint8Array> | null | undefined)?.[Symbol.asyncIterator] ? body : wordsOf(response);
  return readableOf((pieces as AsyncIterable<Uint8Array>)[Symbol.asyncIterator](), (piece) => piece);
}

async function* wordsOf(response: Partial<Response>): AsyncGenerator<Uint8Array> {
  const text = response.text === undefined ? JSON.stringify(await response.json?.()) : await response.text();
  if (text) yield new TextEncoder().encode(text);
}

function reply(response: Response, url: string): Reply {
  const headers = Object.fromEntries(response.headers);
  const { status, statusText } = response;
  return { status, statusText, url: response.url || url, headers, chunks: [] };
}
