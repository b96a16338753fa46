/** Bodies that are not JSON: forms, bytes, streams. */

import { isObject } from "../failure.ts";
import { pairsOf } from "./options.ts";
import { readableOf } from "../readable.ts";
import { type FinalRequestOptions, isPlain } from "../resources/request.ts";
import { encoded } from "../resources/url.ts";

const FORM = "application/x-www-form-urlencoded";

/** The request with its body as it is sent. */
export function withBody(options: FinalRequestOptions): FinalRequestOptions {
  const { body, headers } = options;
  // Null and the like are no body, as in OpenAI's SDK.
  if (!body) return body === undefined ? options : { ...options, body: undefined };
  const type = headers ? pairsOf(headers).findLast(([name]) => name.toLowerCase() === "content-type")?.[1] : undefined;
  // A text whose type is told is sent as it is, any other one as JSON.
  if (typeof body === "string") return type ? options : { ...options, body: JSON.stringify(body) };
  const raw = rawOf(body);
  if (raw === undefined) return type === FORM && isObject(body) ? { ...options, body: encoded(body) } : options;
  return {
    ...options,
    body: undefined,
    raw,
    // `fetch` knows the type of what it sends, unless the caller says otherwise.
    headers: [["content-type", null], ...pairsOf(headers)],
    // What is read while it is sent cannot be sent again.
    ...(raw instanceof ReadableStream ? { maxRetries: 0, atMostOnce: true } : {}),
  };
}

/** What `fetch` is to be given, where the body is no JSON. */
function rawOf(body: unknown): Exclude<BodyInit, string> | undefined {
  if (!isObject(body)) return undefined;
  if (!isPlain(body)) return body as Exclude<BodyInit, string>;
  if (Symbol.asyncIterator in body) return streamOf((body as AsyncIterable<unknown>)[Symbol.asyncIterator]());
  const isIterator = Symbol.iterator in body && typeof (body as { next?: unknown }).next === "function";
  return isIterator ? streamOf(body as unknown as Iterator<unknown>) : undefined;
}

function streamOf(items: AsyncIterator<unknown> | Iterator<unknown>): ReadableStream {
  const encoder = new TextEncoder();
  return readableOf(items, (item) => (typeof item === "string" ? encoder.encode(item) : item));
}
