/** What a transport keeps of a reply for its caller, and the platform's classes made of it. */

import { runtime } from "#runtime";

export interface Reply {
  readonly status: number;
  readonly url: string;
  /** Names in lower case and values, in turn. */
  readonly headers: readonly string[];
  /** The body so far. */
  readonly chunks: Uint8Array[];
  /** Whether its connection had served before; unknown on most platforms. */
  readonly reused?: boolean | undefined;
}

/** The reply's header fields. */
export function headersOf(reply: Reply): Headers {
  const headers = new Headers();
  for (let i = 0; i < reply.headers.length; i += 2) {
    headers.append(reply.headers[i] as string, reply.headers[i + 1] as string);
  }
  return headers;
}

/** The server's name for the request. */
export function requestIDOf(reply: Reply): string | null {
  for (const name of ["x-request-id", "request-id"]) {
    const at = reply.headers.indexOf(name);
    if (at >= 0) return reply.headers[at + 1] as string;
  }
  return null;
}

/** The body as text. */
export function textOf(reply: Reply): string {
  return runtime.text(reply.chunks);
}

/** Statuses that may have no body. */
const EMPTY = [101, 103, 204, 205, 304];

/** A platform's response with this body. */
export function responseOf(reply: Reply, body: BodyInit | null): Response {
  const init = { status: reply.status, headers: headersOf(reply) };
  const response = new Response(EMPTY.includes(reply.status) ? null : body, init);
  Object.defineProperty(response, "url", { value: reply.url });
  return response;
}
