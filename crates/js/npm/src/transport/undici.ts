/**
 * Requests on Node, by undici's dispatcher: a fifth of what the global `fetch` costs.
 *
 * Connections are opened a few after each other, and only while none is free: a thousand handshakes in
 * one moment overflow a server's queue of them, and each that is lost costs a second.
 *
 * What only `fetch` understands is sent by `fetch`: forms, streams, options of its own for one call. So is
 * everything where a program has put another function in its place, or a dispatcher in the place of that which
 * `fetch` asks: a proxy, or the mock of a test.
 */

import type { Transform } from "node:stream";

import * as core from "#core";
import { instance, tell } from "../engine.ts";
import type { Reply } from "../reply.ts";
import type { Controller, Dispatcher, DispatchOptions, IncomingHeaders } from "./dispatch.ts";
import { decoderOf } from "./encoding.ts";
import { FetchTransport, isReplaced } from "./fetch.ts";
import type { RequestHead } from "./head.ts";
import { type Fate, Origin, type Rider } from "./origin.ts";
import { proxyOfTheEnvironment } from "./proxy.ts";
import {
  type Connections,
  type Gathering,
  noteSent,
  type Sender,
  tellFailure,
  tellHead,
  type Transport,
  type TransportOptions,
} from "./transport.ts";
import { doAt, type Visit } from "../visit.ts";

/** The way out, unless the user has another. */
export function transportOf(options: TransportOptions): Transport {
  return options.fetch === undefined ? new UndiciTransport(options) : new FetchTransport(options);
}

/** Where undici and the platform's `fetch` look for that dispatcher, by its versions. */
const GLOBALS = [1, 2].map((version) => Symbol.for(`undici.globalDispatcher.${version}`));

/** What undici puts there by itself. */
const PLAIN = ["Agent", "Dispatcher1Wrapper"];

/** Whether somebody else has put something there. */
function isForeign(place: symbol): boolean {
  const dispatcher = (globalThis as Record<symbol, unknown>)[place] as Dispatcher | undefined;
  if (dispatcher === undefined) return false;
  const { name, prototype } = dispatcher.constructor;
  // What stands before an agent has its name, and a method of its own.
  return !PLAIN.includes(name) || dispatcher.dispatch !== (prototype as Dispatcher).dispatch;
}

/** What follows it happens once all is done that happens together. */
const soon = Promise.resolve();

class UndiciTransport implements Transport {
  readonly turns = false;
  readonly opaque = false;
  /** By their ids, which the module uses again; see `Crowd` for why this is no `Map`. */
  readonly #exchanges: (Exchange | undefined)[] = [];
  readonly #origins = new Map<string, Origin>();
  readonly #options: TransportOptions;
  readonly #dispatcher: Dispatcher | undefined;
  #fetch: FetchTransport | undefined;
  /** The exchanges that are `fetch`'s. */
  readonly #fetched = new Set<number>();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#dispatcher =
      (options.fetchOptions?.["dispatcher"] as Dispatcher | undefined) ?? proxyOfTheEnvironment();
  }

  open(id: number, call: Sender, head: RequestHead, gathering: Gathering | undefined): void {
    const { body, fetchOptions } = call;
    if (typeof body === "object" || fetchOptions !== undefined || isReplaced() || this.#isOutdone()) {
      this.#fetched.add(id);
      this.#fetch ??= new FetchTransport(this.#options);
      this.#fetch.open(id, call, head, gathering);
      return;
    }
    const exchange = new Exchange(id, call, head.url, gathering);
    this.#exchanges[id] = exchange;
    noteSent(call);
    const options: DispatchOptions = {
      origin: head.origin,
      path: head.path,
      method: head.method,
      headers: head.fields,
      body: body ?? null,
      // The client has its own clocks.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    if (this.#dispatcher === undefined) this.#origin(head.origin).dispatch(options, exchange);
    else exchange.goBy(this.#dispatcher, options);
  }

  /** Whether a program has put a dispatcher in the place of the platform's, and none into its client's options. */
  #isOutdone(): boolean {
    return this.#options.fetchOptions?.["dispatcher"] === undefined && GLOBALS.some(isForeign);
  }

  /** What carries this exchange, where we do not. */
  #fetchOf(id: number): FetchTransport | undefined {
    return this.#fetched.has(id) ? this.#fetch : undefined;
  }

  #origin(name: string): Origin {
    let origin = this.#origins.get(name);
    if (origin === undefined) {
      origin = new Origin(name);
      this.#origins.set(name, origin);
    }
    return origin;
  }

  read(id: number): void {
    this.#exchanges[id]?.read();
    this.#fetchOf(id)?.read(id);
  }

  close(id: number): void {
    this.#fetchOf(id)?.close(id);
    this.#fetched.delete(id);
    this.#exchanges[id]?.close();
    this.#exchanges[id] = undefined;
  }

  connections(): Connections {
    if (this.#dispatcher !== undefined) {
      return { opened: undefined, open: undefined, reused: undefined };
    }
    const sum = { opened: 0, open: 0, reused: 0 };
    for (const origin of this.#origins.values()) {
      sum.opened += origin.opened;
      sum.open += origin.open;
      sum.reused += origin.reused;
    }
    return sum;
  }

  protocol(): string | undefined {
    const known = [...this.#origins.values()].map((origin) => origin.protocol);
    return known.find((protocol) => protocol !== undefined);
  }

  reset(): () => void {
    const exchanges = this.#exchanges.splice(0);
    const close = this.#fetch?.reset();
    this.#fetched.clear();
    return () => {
      for (const exchange of exchanges) exchange?.close();
      close?.();
    };
  }

  dispose(): void {
    const origins = [...this.#origins.values()];
    // What fails with them may be sent anew at once.
    this.#origins.clear();
    for (const origin of origins) origin.close();
  }
}

/** One request and what comes back. */
class Exchange implements Rider {
  #isClosed = false;
  /** Which instance waits for it. In another one its id is somebody else's. */
  readonly #instance = instance();
  readonly #begun = performance.now();
  #waited = 0;
  #reused: boolean | undefined;
  #origin: Origin | undefined;
  #leave: (fate: Fate) => void = () => {};
  readonly #id: number;
  readonly #call: Sender;
  readonly #url: string;
  #controller: Controller | undefined;
  #reply: Reply | undefined;
  /** Whether there is a head that the module does not know of yet. */
  #isHeadKept = false;
  #isAsked = false;
  #isOver = false;
  /** What came unasked. Nothing follows while there is any. */
  #waiting: Uint8Array[] = [];
  /** Where the whole body goes, if it is wanted as one. */
  #gathering: Gathering | undefined;
  /** What makes the body of what comes, where it comes compressed. */
  #decoder: Transform | undefined;

  constructor(id: number, call: Sender, url: string, gathering: Gathering | undefined) {
    this.#id = id;
    this.#call = call;
    this.#url = url;
    this.#gathering = gathering;
  }

  /** Whether nobody waits for it any more. */
  get isClosed(): boolean {
    return this.#isClosed || this.#instance !== instance();
  }

  get visit(): Visit | undefined {
    return this.#call.visit;
  }

  board(origin: Origin, reused: boolean, leave: (fate: Fate) => void): void {
    this.#origin = origin;
    this.#reused = reused;
    this.#leave = leave;
  }

  renew(): void {
    this.#reused = false;
  }

  /** Goes by a dispatcher that is not ours, once the module is left: it may answer at once, throw, or use the
   * client. What it is given is its own to change. */
  goBy(dispatcher: Dispatcher, options: DispatchOptions): void {
    const go = (): void => {
      if (this.isClosed) return;
      try {
        dispatcher.dispatch({ ...options, headers: [...options.headers] }, this);
      } catch (error) {
        this.#fail(error);
      }
    };
    doAt(this.visit, () => queueMicrotask(go));
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    this.#waited = performance.now() - this.#begun;
    if (this.isClosed) controller.abort(new Error("closed"));
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHeaders, statusText?: string): void {
    // A dispatcher that is not ours may go on to another answer; what follows belongs to the first.
    if (this.isClosed || status < 200 || this.#reply !== undefined) return;
    this.#reply = {
      status,
      statusText,
      url: this.#url,
      headers,
      chunks: [],
      reused: this.#reused,
      protocol: this.#origin?.protocol,
      waited: this.#waited,
    };
    this.#decode(headers["content-encoding"]);
    this.#isHeadKept = true;
    if (status > 299) this.#gathering = undefined;
    if (this.#gathering === undefined) this.#tellHead();
    // Most often the whole answer comes with it, and the module is told of both at once.
    else void soon.then(() => this.#tellHead());
  }

  #tellHead(): void {
    if (!this.#isHeadKept) return;
    this.#isHeadKept = false;
    if (!this.isClosed) tellHead(this.#id, this.#call, this.#reply as Reply);
  }

  onResponseData(_: Controller, chunk: Buffer): void {
    if (this.isClosed) return;
    if (this.#decoder === undefined) this.#take(chunk);
    else this.#decoder.write(chunk);
  }

  #take(chunk: Buffer): void {
    if (this.isClosed) return;
    if (this.#gathering !== undefined) {
      this.#gather(chunk, this.#gathering);
      return;
    }
    if (this.#isAsked) {
      this.#give(chunk);
      return;
    }
    this.#waiting.push(chunk);
    this.#controller?.pause();
  }

  onResponseEnd(): void {
    this.#leave("answered");
    if (this.#decoder === undefined) this.#end();
    else this.#decoder.end();
  }

  #decode(encoding: string | readonly string[] | undefined): void {
    this.#decoder = decoderOf(encoding);
    this.#decoder?.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#decoder?.on("end", () => this.#end());
    this.#decoder?.on("error", (error) => {
      this.#tellFailure(error);
      this.close();
    });
  }

  #end(): void {
    this.#isOver = true;
    if (this.isClosed || this.#waiting.length > 0) return;
    const [gathering, reply] = [this.#gathering, this.#reply];
    const isTold = reply !== undefined && gathering?.tell(this.#id, reply) === true;
    // A head that has waited goes last: the module looks at both then.
    this.#tellHead();
    if (isTold || this.isClosed) return;
    if (reply !== undefined) gathering?.give(this.#id, reply);
    tell(() => core.end(this.#id));
  }

  onResponseError(_: Controller | null, error: Error): void {
    this.#fail(error);
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    this.#leave(this.#reply === undefined && !this.#isClosed ? "unheard" : "broken");
    this.#tellFailure(error);
  }

  #tellFailure(error: unknown): void {
    this.#tellHead();
    if (this.isClosed) return;
    tellFailure(this.#id, this.#call, this.#reply !== undefined, error);
  }

  #gather(chunk: Buffer, gathering: Gathering): void {
    const reply = this.#reply as Reply;
    reply.chunks.push(chunk);
    if (gathering.take(chunk)) return;
    this.#gathering = undefined;
    this.#tellHead();
    gathering.give(this.#id, reply);
  }

  read(): void {
    if (this.#waiting.length === 0) {
      this.#isAsked = true;
      return;
    }
    // The module must not be entered from inside it.
    queueMicrotask(() => {
      if (this.isClosed) return;
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return;
      this.#give(chunk);
      if (this.#waiting.length > 0 || this.isClosed) return;
      if (this.#isOver) tell(() => core.end(this.#id));
      else this.#controller?.resume();
    });
  }

  #give(chunk: Uint8Array): void {
    this.#isAsked = false;
    this.#reply?.chunks.push(chunk);
    tell(() => core.chunk(this.#id, chunk));
  }

  close(): void {
    this.#isClosed = true;
    this.#decoder?.destroy();
    if (!this.#isOver) this.#controller?.abort(new Error("closed"));
  }
}
