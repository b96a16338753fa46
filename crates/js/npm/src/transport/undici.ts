/**
 * Requests on Node, by undici's dispatcher: a fifth of what the global `fetch` costs.
 *
 * Connections are opened a bounded number at a time, and only while none is free: a thousand
 * handshakes at once overflow a server's queue of them, and each that is lost costs a second.
 */

import { createRequire } from "node:module";

import * as core from "#core";
import { tell } from "../engine.ts";
import type { Reply } from "../reply.ts";
import { Origin, type Rider } from "./origin.ts";
import {
  type Connections,
  type Sender,
  tellFailure,
  tellHead,
  type Transport,
  type TransportOptions,
} from "./transport.ts";

/** The part of undici's dispatchers that is used. */
export interface Dispatcher {
  dispatch(options: DispatchOptions, handler: Handler): boolean;
}

/** One request, as undici wants it. */
export interface DispatchOptions {
  origin: string;
  path: string;
  method: string;
  headers: string[];
  body: string | null;
  headersTimeout: number;
  bodyTimeout: number;
}

/** What undici hands to a handler to steer the exchange with. */
export interface Controller {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** What is told of an exchange. */
export interface Handler {
  onRequestStart(controller: Controller): void;
  onResponseStart(controller: Controller, status: number, headers: IncomingHeaders): void;
  onResponseData(controller: Controller, chunk: Buffer): void;
  onResponseEnd(controller: Controller): void;
  onResponseError(controller: Controller, error: Error): void;
}

type IncomingHeaders = Readonly<Record<string, string | readonly string[]>>;

export class UndiciTransport implements Transport {
  readonly turns = false;
  readonly opaque = false;
  readonly #exchanges = new Map<number, Exchange>();
  readonly #origins = new Map<string, Origin>();
  readonly #dispatcher: Dispatcher | undefined;
  #lines = "";
  #headers: string[] = [];

  constructor(options: TransportOptions) {
    this.#dispatcher =
      (options.fetchOptions?.["dispatcher"] as Dispatcher | undefined) ?? proxyOfTheEnvironment();
  }

  open(id: number, { body }: Sender, method: string, url: string, lines: string): void {
    const exchange = new Exchange(id, url, (done) => this.#exchanges.delete(done));
    this.#exchanges.set(id, exchange);
    const path = url.indexOf("/", url.indexOf("://") + 3);
    const origin = path < 0 ? url : url.slice(0, path);
    const options: DispatchOptions = {
      origin,
      path: path < 0 ? "/" : url.slice(path),
      method,
      headers: this.#fields(lines),
      body: body ?? null,
      // The client has its own clocks.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    // What fails at once must not be told from inside the module.
    queueMicrotask(() => {
      if (exchange.isClosed) return;
      try {
        (this.#dispatcher ?? this.#origin(origin)).dispatch(options, exchange);
      } catch (error) {
        exchange.fail(error);
      }
    });
  }

  /** The same client sends the same fields most of the time. */
  #fields(lines: string): string[] {
    if (lines !== this.#lines) {
      this.#headers = lines.split("\n");
      this.#headers.pop();
      this.#lines = lines;
    }
    return this.#headers;
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
    this.#exchanges.get(id)?.read();
  }

  close(id: number): void {
    this.#exchanges.get(id)?.close();
    this.#exchanges.delete(id);
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

  reset(): void {
    for (const id of [...this.#exchanges.keys()]) this.close(id);
  }

  dispose(): void {
    this.reset();
    for (const origin of this.#origins.values()) origin.close();
    this.#origins.clear();
  }
}

/** One request and what comes back. */
class Exchange implements Rider {
  isClosed = false;
  #reused: boolean | undefined;
  #leave: (failed: boolean) => void = () => {};
  readonly #id: number;
  readonly #url: string;
  readonly #forget: (id: number) => void;
  #controller: Controller | undefined;
  #reply: Reply | undefined;
  #isAsked = false;
  #isOver = false;
  /** What came unasked. Nothing follows while there is any. */
  #waiting: Uint8Array[] = [];

  constructor(id: number, url: string, forget: (id: number) => void) {
    this.#id = id;
    this.#url = url;
    this.#forget = forget;
  }

  board(reused: boolean, leave: (failed: boolean) => void): void {
    this.#reused = reused;
    this.#leave = leave;
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.isClosed) controller.abort(new Error("closed"));
  }

  onResponseStart(_: Controller, status: number, headers: IncomingHeaders): void {
    if (this.isClosed || status < 200) return;
    this.#reply = {
      status,
      url: this.#url,
      headers: flat(headers),
      chunks: [],
      reused: this.#reused,
    };
    tellHead(this.#id, this.#reply);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.isClosed) return;
    if (this.#isAsked) {
      this.#give(chunk);
      return;
    }
    this.#waiting.push(chunk);
    controller.pause();
  }

  onResponseEnd(): void {
    this.#isOver = true;
    this.#leave(false);
    if (this.isClosed || this.#waiting.length > 0) return;
    tell(() => core.end(this.#id));
  }

  onResponseError(_: Controller | undefined, error: Error): void {
    this.fail(error);
  }

  fail(error: unknown): void {
    this.#isOver = true;
    this.#leave(true);
    if (!this.isClosed) tellFailure(this.#id, this.#reply !== undefined, error);
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
    this.isClosed = true;
    this.#forget(this.#id);
    if (!this.#isOver) this.#controller?.abort(new Error("closed"));
  }
}

function flat(headers: IncomingHeaders): string[] {
  const fields: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") fields.push(name, value);
    else for (const one of value ?? []) fields.push(name, one);
  }
  return fields;
}

const PROXIES = ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"];

let proxy: Dispatcher | undefined;

/** What the variables of the environment ask for, as curl and others read them. */
function proxyOfTheEnvironment(): Dispatcher | undefined {
  if (!PROXIES.some((name) => process.env[name])) return undefined;
  // Loaded only where it is needed: it is larger than all the rest.
  const require = createRequire(import.meta.url);
  proxy ??= new (require("undici/lib/dispatcher/env-http-proxy-agent.js"))() as Dispatcher;
  return proxy;
}
