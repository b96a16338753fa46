/** What calls return: a promise of the answer that can tell of the response too. */

import type { Outcome, StreamCall } from "../call.ts";
import { isObject } from "../failure.ts";
import { type Reply, requestIDOf, responseOf } from "../reply.ts";
import { ItemStream, type StreamClass, streamOf } from "./item_stream.ts";

/** An object that knows the server's name for its request. */
export type WithRequestID<T> = T extends unknown[] | Response | ItemStream<unknown>
  ? T
  : T extends object
    ? T & { _request_id?: string | null }
    : T;

/** What came of a request, not taken apart yet. */
export interface Received {
  /** The server's name for the request. */
  readonly requestID: string | null;
  /** The platform's response, the same each time. */
  readonly response: Response;
  /** The object that a caller wants. */
  read(): unknown;
}

/** A promise of an answer. The body is parsed only for those who wait for the answer itself. */
export class APIPromise<T> extends Promise<WithRequestID<T>> {
  // Libraries put proxies around promises, through which nothing that is truly private would be found, and look
  // for this by the name that it has in OpenAI's SDK.
  /** @internal */
  readonly responsePromise: Promise<Received>;
  /** @internal */
  readonly _change: ((read: unknown, received: Received) => unknown) | undefined;
  /** @internal */
  _answer: Promise<WithRequestID<T>> | undefined;

  /** @internal */
  constructor(
    received: Promise<Received>,
    change?: (read: unknown, received: Received) => unknown,
  ) {
    super((resolve) => resolve(undefined as WithRequestID<T>));
    this.responsePromise = received;
    this._change = change;
  }

  /** What is derived of it is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** The response, its body unread. */
  async asResponse(): Promise<Response> {
    return (await this.responsePromise).response;
  }

  /** The answer, its response and the server's name for the request. */
  async withResponse(): Promise<{
    data: WithRequestID<T>;
    response: Response;
    request_id: string | null;
  }> {
    const [received, data] = await Promise.all([this.responsePromise, this._read()]);
    const isStream = data instanceof ItemStream;
    // A stream's body is read by the stream alone.
    const response = isStream ? headOf(received) : received.response;
    return { data, response, request_id: received.requestID };
  }

  /** A promise of something made of the answer. @internal */
  _thenUnwrap<U>(change: (answer: T, received: Received) => U): APIPromise<U> {
    const before = this._change;
    return promiseOf<U>(this.responsePromise, (read, received) => {
      const answer = before === undefined ? read : before(read, received);
      return answer instanceof Promise ? answer.then((value: T) => change(value, received)) : change(answer as T, received);
    });
  }

  override then<A = WithRequestID<T>, B = never>(
    onfulfilled?: ((value: WithRequestID<T>) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this._read().then(onfulfilled, onrejected);
  }

  override catch<B = never>(
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<WithRequestID<T> | B> {
    return this._read().catch(onrejected);
  }

  override finally(onfinally?: (() => void) | null): Promise<WithRequestID<T>> {
    return this._read().finally(onfinally);
  }

  /** @internal */
  _read(): Promise<WithRequestID<T>> {
    this._answer ??= this.responsePromise.then((received) => {
      const read = received.read();
      const answer = this._change === undefined ? read : this._change(read, received);
      return signed(answer, received.requestID) as WithRequestID<T>;
    });
    return this._answer;
  }
}

/** Bundlers rename classes that name themselves inside, and promises are printed by name. */
function promiseOf<T>(...told: ConstructorParameters<typeof APIPromise<T>>): APIPromise<T> {
  return new APIPromise<T>(...told);
}

/** The same of what a library that watches calls has put in a promise's place, with nothing but `then` perhaps. */
export function unwrapped<T, U>(promise: APIPromise<T>, change: (answer: T) => U): APIPromise<U> {
  return typeof promise._thenUnwrap === "function"
    ? promise._thenUnwrap(change)
    : ((promise as Promise<T>).then(change) as APIPromise<U>);
}

/** Notes the server's name for the request where nobody stumbles over it. */
function signed(answer: unknown, requestID: string | null): unknown {
  if (!isObject(answer)) return answer;
  if (Object.getPrototypeOf(answer) === Object.prototype || !isElsewhere(answer)) {
    Object.defineProperty(answer, "_request_id", { value: requestID, configurable: true });
  }
  return answer;
}

/** Whether its request is told of elsewhere: nobody looks up those of lists, pages among them; of a response
 * the caller holds it. */
function isElsewhere(answer: object): boolean {
  return Array.isArray(answer) || "getPaginatedItems" in answer || answer instanceof Response;
}

function headOf(received: Received): Response {
  return received instanceof Streamed ? received.head() : received.response;
}

/** What is known of an answer that came from a cache. */
const CACHED: Reply = {
  status: 200,
  url: "",
  headers: { "content-type": "application/json" },
  chunks: [],
};

/** The same of one that is streamed. */
const CACHED_STREAM: Reply = { ...CACHED, headers: { "content-type": "text/event-stream" } };

/** A whole answer. */
export class Whole implements Received {
  readonly #outcome: Outcome;
  /** Whether the caller wants the response itself. */
  readonly #isRaw: boolean;
  #response: Response | undefined;

  constructor(outcome: Outcome, isRaw = false) {
    this.#outcome = outcome;
    this.#isRaw = isRaw;
  }

  get requestID(): string | null {
    const { reply } = this.#outcome;
    return reply === undefined ? null : requestIDOf(reply);
  }

  get response(): Response {
    const { reply } = this.#outcome;
    return (this.#response ??=
      reply === undefined
        ? responseOf(CACHED, this.#outcome.text)
        : responseOf(reply, new Blob(reply.chunks as BlobPart[]).stream()));
  }

  read(): unknown {
    const { reply = CACHED } = this.#outcome;
    if (reply.status === 204) return null;
    if (this.#isRaw) return this.response;
    if (reply.json !== undefined && isJSON(reply)) return reply.json;
    const { text } = this.#outcome;
    if (!isJSON(reply)) return text;
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }
}

function isJSON(reply: Reply): boolean {
  const given = reply.headers["content-type"];
  if (given === "application/json") return true;
  const [type = ""] = [given].flat();
  const [essence = ""] = type.toLowerCase().split(";");
  return essence.includes("application/json") || essence.trim().endsWith("+json");
}

/** An answer that comes piece by piece. */
export class Streamed implements Received {
  readonly #call: StreamCall;
  readonly #reply: Reply | undefined;
  readonly #streamClass: StreamClass;
  #response: Response | undefined;

  constructor(call: StreamCall, reply: Reply | undefined, streamClass: StreamClass) {
    this.#call = call;
    this.#reply = reply;
    this.#streamClass = streamClass;
  }

  get requestID(): string | null {
    return this.#reply === undefined ? null : requestIDOf(this.#reply);
  }

  /** The response without its body. */
  head(): Response {
    return responseOf(this.#reply ?? CACHED_STREAM, null);
  }

  get response(): Response {
    return (this.#response ??= responseOf(this.#reply ?? CACHED_STREAM, this.#body()));
  }

  read(): ItemStream<unknown> {
    return streamOf(this.#call, this.#streamClass);
  }

  /** The bytes as they came; of an answer that was kept, events made of its objects. */
  #body(): ReadableStream<Uint8Array> {
    const call = this.#call;
    const chunks = this.#reply?.chunks;
    call.keepsBytes = true;
    const pull = chunks === undefined ? eventsOf(call) : bytesOf(call, chunks);
    return new ReadableStream({ pull, cancel: () => call.abort() });
  }
}

type Pull = (controller: ReadableStreamDefaultController<Uint8Array>) => Promise<void>;

/** The bytes of a call's reply. They are put into `chunks` as they come, also while nobody asks. */
function bytesOf(call: StreamCall, chunks: Uint8Array[]): Pull {
  return async (controller) => {
    while (chunks.length === 0) {
      const piece = await call.next();
      if (piece === undefined && chunks.length === 0) return controller.close();
    }
    for (const chunk of chunks.splice(0)) controller.enqueue(chunk);
  };
}

/** The events that a server would have sent, of a call whose objects come from a cache. */
function eventsOf(call: StreamCall): Pull {
  const encoder = new TextEncoder();
  const event = (data: string): Uint8Array => encoder.encode(`data: ${data}\n\n`);
  return async (controller) => {
    const piece = await call.next();
    if (piece === undefined) {
      controller.enqueue(event("[DONE]"));
      return controller.close();
    }
    for (const item of JSON.parse(`[${piece.text}]`) as unknown[]) controller.enqueue(event(JSON.stringify(item)));
  };
}
