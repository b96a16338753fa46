/**
 * One HTTP/2 connection, by Node's own client. undici's sends one POST at a time, and cuts off whatever is
 * under way where a server wants no more requests (GOAWAY), as many do after some thousands.
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";

import type { Controller, DispatchOptions, Handler, IncomingHeaders } from "./dispatch.ts";

/** Requests on one connection at once; what most servers allow. */
export const STREAMS_MAX = 100;

/** What may come of one answer before somebody reads it. */
const STREAM_WINDOW_BYTES = 256 << 10;

/** What Node may keep for a connection, in megabytes: as good as no bound. It counts requests that have not been sent
 * yet, which are here anyway, and beyond the bound breaks off whatever is answered; what is received, windows bound. */
const MEMORY_MB_MAX = 1_000_000;

/** So many fields may the head of an answer have, within the 64 KiB that Node takes. It takes 128 unless told so. */
const FIELDS_MAX = 4096;

/** So long may a connection be of no use: servers and those between close them without a word. */
const IDLE_MS = 30_000;

/** So long may a server take to tell of its settings, which comes first of all. */
const SETTINGS_MS = 10_000;

/** Where answers are awaited and nothing has come for so long, the server is asked whether it is there, */
const QUIET_MS = 30_000;

/** and may take so long to say so: else a network that has gone would keep requests for as long as they may wait. */
const PING_MS = 15_000;

/** Fields that speak of an HTTP/1.1 connection. */
const OF_CONNECTIONS = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** What whoever holds a connection is told of it. */
export interface Keeper {
  /** So many requests may be under way. */
  room(streams: number): void;
  /** It takes no more requests; told at least once. */
  full(): void;
}

export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #keeper: Keeper;
  readonly #authority: string;
  #streams = 0;
  /** Those whose requests have not been sent in full. */
  #sending = 0;
  /** Whether the server has said which requests were its last, and there were any. */
  #hasServed = false;
  /** How often anything of an answer came. */
  heard = 0;
  /** For its end while it is idle, and for the server's while it is not. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(origin: string, socket: Socket, keeper: Keeper) {
    this.#keeper = keeper;
    this.#authority = new URL(origin).host;
    this.#session = connect(origin, {
      createConnection: () => socket,
      maxSessionMemory: MEMORY_MB_MAX,
      maxHeaderListPairs: FIELDS_MAX,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
    });
    // Answers that nobody reads must not hold back the others.
    this.#session.once("connect", () => this.#session.setLocalWindowSize(STREAMS_MAX * STREAM_WINDOW_BYTES));
    // Requests wait for it.
    const silence = setTimeout(() => {
      this.#session.destroy(new Silence("SETTINGS"), constants.NGHTTP2_SETTINGS_TIMEOUT);
    }, SETTINGS_MS);
    silence.unref();
    this.#session.on("remoteSettings", ({ maxConcurrentStreams }) => {
      clearTimeout(silence);
      keeper.room(Math.max(1, Math.min(maxConcurrentStreams ?? STREAMS_MAX, STREAMS_MAX)));
    });
    this.#session.on("goaway", (code, lastStreamId) => {
      this.#hasServed = code === constants.NGHTTP2_NO_ERROR && lastStreamId > 0;
      keeper.full();
    });
    this.#session.on("close", () => {
      clearTimeout(silence);
      clearTimeout(this.#timer);
      keeper.full();
    });
    // Each request is told of it by its stream.
    this.#session.on("error", () => keeper.full());
    this.#rest();
  }

  /** `giveBack` takes the request where the server has ended the connection and not looked at it. */
  dispatch(options: DispatchOptions, handler: Handler, giveBack: () => void): void {
    const exchange = new Exchange(handler, this, () => {
      // Where a server serves nobody, each connection would be followed by another.
      if (this.#hasServed) giveBack();
      return this.#hasServed;
    });
    handler.onRequestStart(exchange);
    if (exchange.isOver) return;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(fieldsOf(options, this.#authority), { endStream: options.body === null });
    } catch (error) {
      handler.onResponseError(exchange, error as Error);
      return;
    }
    this.#work();
    stream.once("close", () => {
      this.#streams -= 1;
      if (this.#streams === 0) this.#rest();
      // Not a word since: perhaps the network has gone, and the next request would wait for it as long.
      if (exchange.isUnheard) this.#keeper.full();
    });
    exchange.goBy(stream);
    if (options.body === null) return;
    this.#sending += 1;
    stream.end(options.body, () => (this.#sending -= 1));
  }

  /** Whether it takes no more requests: known before its end, of which the keeper is told. */
  get closed(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /** Ends when all that is under way has ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#session.destroyed) resolve();
      else this.#session.close(resolve);
    });
  }

  #work(): void {
    if (this.#streams === 0) {
      this.#session.ref();
      this.#listen();
    }
    this.#streams += 1;
  }

  /** Keeps no process alive, and does not stay for ever. */
  #rest(): void {
    if (this.#session.destroyed) return;
    this.#session.unref();
    this.#after(IDLE_MS, () => this.#keeper.full());
  }

  /** Sees to it that somebody is at the other end. */
  #listen(): void {
    const { heard } = this;
    this.#after(QUIET_MS, () => {
      // On a slow line the question would wait behind what is being sent.
      const isQuiet = this.heard === heard && this.#sending === 0;
      if (isQuiet) this.#ask();
      else this.#listen();
    });
  }

  #ask(): void {
    if (this.#session.destroyed) return;
    let isThere = false;
    const leave = (): void => {
      if (!isThere) this.#session.destroy(new Silence("PING"));
    };
    // What came while this process was busy is read before.
    this.#after(PING_MS, () => setImmediate(leave));
    this.#session.ping((error) => {
      isThere = true;
      if (error === null && this.#streams > 0) this.#listen();
    });
  }

  /** In place of what was to be done before. */
  #after(millis: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, millis);
    this.#timer.unref();
  }
}

/** One request and what comes back, as undici tells it. */
class Exchange implements Controller {
  readonly #handler: Handler;
  readonly #connection: Http2Connection;
  readonly #heardBefore: number;
  /** Hands a request back that the server has not looked at, where that may be. */
  readonly #giveBack: () => boolean;
  #stream: ClientHttp2Stream | undefined;
  #isOver = false;
  #isUnheard = false;
  #isAnswered = false;
  /** Whether the server has written the end of its answer. */
  #isWhole = false;

  constructor(handler: Handler, connection: Http2Connection, giveBack: () => boolean) {
    this.#handler = handler;
    this.#connection = connection;
    this.#giveBack = giveBack;
    this.#heardBefore = connection.heard;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether it was given up, and nothing had come by its connection from its beginning on. */
  get isUnheard(): boolean {
    return this.#isUnheard;
  }

  goBy(stream: ClientHttp2Stream): void {
    this.#stream = stream;
    const push = stream.push.bind(stream);
    // Where a server cuts a stream off, it ends for its readers as any other: Node closes it, then writes the end.
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed) this.#isWhole = true;
      return push(chunk, encoding);
    };
    stream.once("response", ({ ":status": status, ...fields }: IncomingHttpHeaders & { ":status"?: number }) => {
      this.#connection.heard += 1;
      if (this.#isOver) return;
      this.#isAnswered = true;
      this.#handler.onResponseStart(this, status ?? 0, fields as IncomingHeaders);
      // Not before: where much comes at once, Node may tell of the body first.
      stream.on("data", (chunk: Buffer) => {
        this.#connection.heard += 1;
        if (!this.#isOver) this.#handler.onResponseData(this, chunk);
      });
    });
    stream.once("end", () => {
      if (this.#isWhole) this.#finish();
      // Who answers before it has read a request, as refusals of long ones are, need not want the rest of it: that
      // would wait for ever, and others behind it.
      if (!stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.once("error", (error: Error) => {
      const isRefused = stream.rstCode === REFUSED;
      if (isRefused && !this.#isOver && !this.#isAnswered && this.#giveBack()) this.#isOver = true;
      else this.#lose(isRefused ? new Refused() : error);
    });
    stream.once("close", () => {
      // A stream that the server takes back closes without a word.
      if (!this.#isOver) this.#lose(new Closed(stream.rstCode));
    });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseEnd(this);
  }

  /** The stream is gone. All may have come before, and not all been read. */
  #lose(error: Error): void {
    if (this.#isOver) return;
    if (!this.#isWhole || !this.#isAnswered) return this.#fail(error);
    const rest = this.#stream?.read() as Buffer | null;
    if (rest !== null) this.#handler.onResponseData(this, rest);
    this.#finish();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handler.onResponseError(this, error);
  }

  abort(reason: Error): void {
    this.#isUnheard = !this.#isOver && this.#connection.heard === this.#heardBefore;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    this.#fail(reason);
  }

  pause(): void {
    this.#stream?.pause();
  }

  resume(): void {
    this.#stream?.resume();
  }
}

type Fields = Record<string, string | string[]>;

/** The server says that it has not looked at a request. */
const REFUSED = constants.NGHTTP2_REFUSED_STREAM;

class Refused extends Error {
  readonly code = "ERR_HTTP2_REFUSED_STREAM";

  constructor() {
    super("the server took no further request on this connection");
  }
}

class Silence extends Error {
  readonly code: string;

  constructor(awaited: "SETTINGS" | "PING") {
    super("nothing comes any more by a connection that was open");
    this.code = `ERR_HTTP2_${awaited}_TIMEOUT`;
  }
}

class Closed extends Error {
  readonly code = "ERR_HTTP2_STREAM_CLOSED";

  constructor(code: number | undefined) {
    super(`the server closed the stream before its end (code ${code ?? 0})`);
  }
}

function fieldsOf({ method, path, headers, body }: DispatchOptions, authority: string): Fields {
  // Node itself would name a port that goes without saying, and leave out the brackets of an IPv6 address.
  const fields: Fields = { ":method": method, ":authority": authority, ":path": path };
  // A field may be called "constructor".
  Object.setPrototypeOf(fields, null);
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    const value = headers[at + 1] as string;
    const before = fields[name];
    if (OF_CONNECTIONS.has(name)) continue;
    if (name === "host") fields[":authority"] = value;
    else fields[name] = before === undefined ? value : [before, value].flat();
  }
  if (body !== null) fields["content-length"] = String(Buffer.byteLength(body));
  return fields;
}
