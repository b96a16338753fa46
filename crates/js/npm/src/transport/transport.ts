/** What carries requests, as the module in wasm drives it. */

import * as core from "#core";
import { tell } from "../engine.ts";
import { isObject, type Phase } from "../failure.ts";
import { finishOf, isPlain, type Reading, type Reply, usedBy } from "../reply.ts";
import type { Visit } from "../visit.ts";
import type { RequestHead } from "./head.ts";

/** How a client's requests are to be sent. */
export interface TransportOptions {
  /** A function of `fetch`'s shape to use instead. */
  readonly fetch?: FetchLike | undefined;
  /** Handed to `fetch` with each request; `dispatcher` is understood without one too. */
  readonly fetchOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** A function of `fetch`'s shape. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** A body as `fetch` takes it. Node's types have no other name for it. */
export type BodyLike = NonNullable<RequestInit["body"]>;

/** Whose request it is. */
export interface Sender {
  readonly body: BodyLike | undefined;
  /** Handed to `fetch` with this request, beside what the client hands to it. */
  readonly fetchOptions?: Readonly<Record<string, unknown>> | undefined;
  /** The code of what the platform threw, the last time that it did. */
  trouble?: string | undefined;
  /** Where everything must happen that touches the platform. */
  readonly visit?: Visit | undefined;
  /** What was sent for it, and how far that has come: for who takes it back. */
  attempts?: number;
  phase?: Phase;
}

/** Notes that a request is sent for a call. */
export function noteSent(call: Sender): void {
  call.attempts = (call.attempts ?? 0) + 1;
  call.phase = "headers";
}

/** A way out, which several clients may share. `open`, `read` and `close` are called from inside the module, which
 * must not be entered from there. */
export interface Transport {
  /** Whether a connection is back in its pool only after a turn of the event loop. */
  readonly turns: boolean;
  /** Whether its errors tell nothing, as in browsers. */
  readonly opaque: boolean;
  /** Sends a request, whose body the call has. With a gathering the body of a success comes unasked: it is told
   * in a few figures where it is what it should be, else given as it is, and no more of it than may be. */
  open(id: number, call: Sender, head: RequestHead, gathering: Gathering | undefined): void;
  /** Asks for the next chunk of a body. */
  read(id: number): void;
  /** Nothing more is wanted: what is under way is aborted. */
  close(id: number): void;
  /** What is known of its connections. */
  connections(): Connections;
  /** The protocol of its connections: `http/1.1`, `h2`; `undefined` where the platform does not tell,
   * or there is none yet. */
  protocol(): string | undefined;
  /** Forgets all exchanges: nobody waits for them any more. It answers what closes them, which may run a
   * program's own code. */
  reset(): () => void;
  /** Closes connections that are its own, once the exchanges are over that others have on them. */
  dispose(): void;
}

/** What a transport knows of its connections; `undefined` where the platform does not tell. */
export interface Connections {
  /** Connections opened so far. */
  opened: number | undefined;
  /** Connections open now. */
  open: number | undefined;
  /** Requests sent over a connection that had served before. */
  reused: number | undefined;
}

/** The fields that steer retries and limits, also those that a gateway passes on (LiteLLM). */
const STEERING = /^(?:llm_provider-)?(?:retry-after(?:-ms)?|x-should-retry|(?:x|anthropic)-ratelimit-.*)$/;

/** Those that help to read them, or an error. */
const HELPING = ["content-type", "date", "x-request-id", "request-id", "apim-request-id"];

const steers = new Map<string, boolean>();

/** Whether the field of this name steers. Servers use few names, so they are remembered. */
function isSteering(name: string): boolean {
  let known = steers.get(name);
  if (known === undefined) {
    known = STEERING.test(name);
    if (steers.size < 1000) steers.set(name, known);
  }
  return known;
}

/** Tells the module of a reply's head. */
export function tellHead(id: number, call: Sender, reply: Reply): void {
  const { status, headers } = reply;
  // Who is refused waits for another turn.
  call.phase = status < 300 ? "body" : "queue";
  if (status >= 301 && status <= 308 && status !== 304) {
    tell(() => core.redirected(id));
    return;
  }
  let lines = "";
  for (const name in headers) if (isSteering(name)) lines += linesOf(name, headers[name]);
  if (lines !== "" || status < 200 || status > 299) {
    for (const name of HELPING) lines += linesOf(name, headers[name]);
  }
  tell(() => core.head(id, status, lines, wayOf(reply), reply.waited ?? 0, reply));
}

/** What is known of a reply's connection, as the module has it. */
function wayOf({ reused, protocol }: Reply): number {
  const served = reused === undefined ? 0 : reused ? 2 : 1;
  return served + (protocol === "http/1.1" ? 4 : protocol === "h2" ? 8 : 0);
}

function linesOf(name: string, value: string | readonly string[] | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string"
    ? `${name}\n${value}\n`
    : value.map((one) => `${name}\n${one}\n`).join("");
}

/** How deep causes are followed; they may form a circle. */
const CAUSES_MAX = 4;

/** How the library below Deno's `fetch`, which has no codes, begins to say that no connection came about. Should it
 * find other words one day, such a call counts as lost: as safe, and less patient. */
const NO_CONNECTION = "client error (Connect)";

/** In place of a text where there is none. */
const NO_REASON = "no reason given";

/** Tells the module that an exchange failed, and its caller of the code. Of the error itself nothing is
 * kept: what a function of the user's throws may hold the key. */
export function tellFailure(id: number, call: Sender, inBody: boolean, error: unknown): void {
  const { codes, text } = read(error);
  call.trouble = codes.find((code) => /^[A-Z][A-Z\d_]+$/.test(code));
  call.phase = "queue";
  tell(() => core.fail(id, inBody, codes.join("\n"), text));
}

/** What an error says: its codes and those of its causes, and a text. */
function read(error: unknown): { codes: string[]; text: string } {
  try {
    return { codes: codesOf(error), text: describe(error) };
  } catch {
    // A function of the user's may throw what cannot even be looked at.
    return { codes: [], text: NO_REASON };
  }
}

function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  let cause = error;
  for (let depth = 0; depth < CAUSES_MAX && isObject(cause); depth += 1) {
    const { code, message, cause: next } = cause as { code?: unknown; message?: unknown; cause?: unknown };
    if (typeof code === "string") codes.push(code);
    else if (typeof message === "string" && message.includes(NO_CONNECTION)) codes.push("ERR_NO_CONNECTION");
    cause = next;
  }
  return codes;
}

function describe(error: unknown): string {
  if (!isError(error)) return String(error).slice(0, 200) || NO_REASON;
  const cause = isError(error.cause) ? ` (${error.cause.message})` : "";
  return `${error.name}: ${error.message.trim()}${cause}`.slice(0, 200);
}

function isError(error: unknown): error is Error {
  return isObject(error) && typeof (error as Error).message === "string";
}

/** Gathers a whole body for the module, which sees of it only what it must. */
export class Gathering {
  readonly #reading: Reading;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(reading: Reading, bytesMax: number) {
    this.#reading = reading;
    this.#bytesMax = bytesMax;
  }

  /** Takes a chunk; false where the body is longer than it may be. */
  take(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    return this.#bytes <= this.#bytesMax;
  }

  /** Tells the module of the body, which may not know of the head yet; false where it must judge the body itself. */
  tell(id: number, reply: Reply): boolean {
    if (!isPlain(reply, this.#reading)) return false;
    const [input, output, cached] = usedBy(reply);
    tell(() => core.plain(id, this.#bytes, input, output, cached, finishOf(reply)));
    return true;
  }

  /** Gives the module what has come. */
  give(id: number, reply: Reply): void {
    for (const chunk of reply.chunks) tell(() => core.chunk(id, chunk));
  }
}
