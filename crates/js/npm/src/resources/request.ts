/** Requests as OpenAI's SDK words them, put to a client of ours. */

import type { Client } from "../client.ts";
import { KneepointError } from "../errors.ts";
import { isObject } from "../failure.ts";
import { checkObject } from "../kinds.ts";
import type { CallOptions, HeaderOptions } from "../options.ts";
import type { StreamClass } from "./item_stream.ts";
import { type Received, Streamed, Whole } from "./promise.ts";
import { flat } from "./url.ts";

/** An HTTP method. */
export type HTTPMethod = "get" | "post" | "put" | "patch" | "delete";

/** How one call differs. */
export interface RequestOptions {
  /** What is to be done, where that is something else than what the call's name says. */
  method?: HTTPMethod;
  /** Where, under the base URL, in place of where such calls go. */
  path?: string;
  /** Header fields; `null` takes one of the client's away. */
  headers?: HeaderOptions | undefined;
  /** Parameters of the URL. */
  query?: object | null | undefined;
  /** The call's time in ms, as the client's `timeout` counts it. */
  timeout?: number | undefined;
  /** Each attempt's time, in ms. */
  attemptTimeout?: number | undefined;
  /** Retries at most. */
  maxRetries?: number | undefined;
  /** Takes the call back. */
  signal?: AbortSignal | null | undefined;
  /** Sent as `idempotency-key`, the same with every attempt. */
  idempotencyKey?: string | undefined;
  /** Calls of higher priority leave the queue first. A whole number; default and least: 0. */
  priority?: number | undefined;
  /** Whether the client's cache may serve and keep this call. */
  cache?: boolean | undefined;
  /** Whether this call may share the attempt of an equal one. */
  dedupe?: boolean | undefined;
  /** Never repeat what the server may have carried out already. */
  atMostOnce?: boolean | undefined;
  /** Handed to `fetch` with this request, beside what the client hands to it. */
  fetchOptions?: Record<string, unknown> | undefined;
  /** The base of the address where the client was told of none. */
  defaultBaseURL?: string | undefined;
  /** What is sent as JSON. */
  body?: unknown;
  /** Whether the answer is wanted as a stream. */
  stream?: boolean | undefined;
  /** Whether the answer is wanted as the platform's response: a file, say, of any bytes. */
  __binaryResponse?: boolean | undefined;
}

/** A request. */
export interface FinalRequestOptions extends RequestOptions {
  /** What is to be done. */
  method: HTTPMethod;
  /** Where, under the base URL. */
  path: string;
  /** What is sent as it is, in place of the body. @internal */
  raw?: Exclude<BodyInit, string> | undefined;
  /** Which of the client's keys the request wants. Default: the usual one. */
  __security?: { bearerAuth?: boolean; adminAPIKeyAuth?: boolean } | undefined;
}

/** Whether it is said of the request itself, and not of the call; nobody here asks for `__metadata`. */
function isOfRequest(name: string): boolean {
  switch (name) {
    case "method":
    case "path":
    case "body":
    case "raw":
    case "stream":
    case "query":
    case "defaultBaseURL":
    case "__metadata":
    case "__security":
    case "__binaryResponse":
      return true;
    default:
      return false;
  }
}

/** The options of the call among those of a request; most calls have none. */
export function callOf(options: RequestOptions): CallOptions | undefined {
  let call: Record<string, unknown> | undefined;
  for (const name of Object.keys(options) as (keyof RequestOptions)[]) {
    if (!isOfRequest(name)) (call ??= {})[name] = options[name];
  }
  if (options.query) (call ??= {})["query"] = flat(options.query);
  if (options.body !== undefined && !isPlain(options.body)) {
    throw new KneepointError("body: found a stream or a form, expected what can be written as JSON", {
      kind: "config",
      option: "body",
    });
  }
  return call;
}

/** Whether it is no form, no bytes and no stream. */
export function isPlain(body: unknown): boolean {
  if (isObject(body) && body.constructor === Object) return true;
  const others = [ReadableStream, FormData, Blob, ArrayBuffer, URLSearchParams];
  return !others.some((Class) => body instanceof Class) && !ArrayBuffer.isView(body);
}

/** Who sends requests, and how it differs from others. */
export interface Sending {
  /** What sends them. @internal */
  readonly _client: Client;
  /** The class of its streams. @internal */
  readonly _streamClass: StreamClass;
  /** The request as it is sent. @internal */
  _asSent(options: FinalRequestOptions): FinalRequestOptions;
  /** The options of the call among those of a request. @internal */
  _call(options: RequestOptions): CallOptions | undefined;
}

/** Sends a request. */
export async function begin(sending: Sending, options: FinalRequestOptions): Promise<Received> {
  checkObject("options", options);
  const sent = sending._asSent(options);
  const call = sending._call(sent);
  const { method, path, body, raw, stream } = sent;
  const input = { method, path, body, raw };
  const client = sending._client;
  if (stream !== true && !asksForStream(body)) return new Whole(await client.send(input, call), sent.__binaryResponse);
  const streamed = client.stream(input, call, "data");
  return new Streamed(streamed, await streamed.begin, sending._streamClass);
}

function asksForStream(body: unknown): boolean {
  return isObject(body) && (body as { stream?: unknown }).stream === true;
}
