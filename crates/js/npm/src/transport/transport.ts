/** What carries requests, as the module in wasm drives it. */

import * as core from "#core";
import { tell } from "../engine.ts";
import type { Reply } from "../reply.ts";

/** How a client's requests are to be sent. */
export interface TransportOptions {
  /** A function of `fetch`'s shape to use instead. */
  readonly fetch?: FetchLike | undefined;
  /** Handed to `fetch` with each request; `dispatcher` is understood without one too. */
  readonly fetchOptions?: Readonly<Record<string, unknown>> | undefined;
}

/** A function of `fetch`'s shape. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** Whose request it is. */
export interface Sender {
  readonly body: string | undefined;
}

/** One client's way out. The first five members are called from inside the module, which must not
 * be entered from there. */
export interface Transport {
  readonly turns: boolean;
  readonly opaque: boolean;
  open(id: number, call: Sender, method: string, url: string, headers: string): void;
  read(id: number): void;
  close(id: number): void;
  /** What is known of its connections. */
  connections(): Connections;
  /** Forgets all exchanges: nobody waits for them any more. */
  reset(): void;
  /** Closes what is open. */
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

/** The fields that steer retries and limits; the rest of a head is for callers alone. */
const STEERING =
  /^(?:retry-after(?:-ms)?|x-should-retry|content-type|date|(?:x-|apim-)?request-id|(?:x|anthropic)-ratelimit-.*)$/;

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
export function tellHead(id: number, reply: Reply): void {
  if (reply.status >= 301 && reply.status <= 308 && reply.status !== 304) {
    tell(() => core.redirected(id));
    return;
  }
  const { headers } = reply;
  let lines = "";
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (isSteering(name)) lines += `${name}\n${headers[i + 1]}\n`;
  }
  tell(() => core.head(id, reply.status, lines, reply));
}

/** How deep causes are followed; they may form a circle. */
const CAUSES_MAX = 4;

/** Tells the module that an exchange failed. */
export function tellFailure(id: number, inBody: boolean, error: unknown): void {
  let codes = "";
  let cause = error;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Object; depth += 1) {
    const { code, cause: next } = cause as { code?: unknown; cause?: unknown };
    if (typeof code === "string") codes += `${code}\n`;
    cause = next;
  }
  tell(() => core.fail(id, inBody, codes, describe(error)));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 200) || "no reason given";
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${error.name}: ${error.message}${cause}`.slice(0, 200);
}
