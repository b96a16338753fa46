/** `POST /responses` with helpers, and what can be done with a response later. */

import { CursorPage, listed } from "./cursor_page.ts";
import { pairsOf } from "./options.ts";
import type { HeaderOptions } from "../options.ts";
import * as plain from "../resources/endpoints.ts";
import type { PagePromise } from "../resources/page.ts";
import { type APIPromise, unwrapped } from "../resources/promise.ts";
import type { RequestOptions } from "../resources/request.ts";
import {
  type ParsedResponse,
  type ParsedResponseBy,
  parsedResponse,
  type ParseOptions,
  parsingOf,
  withText,
} from "../resources/response_parse.ts";
import { keptBody, keptOptions } from "./runner/kept.ts";
import { ResponseStream } from "./runner/response_stream.ts";
import type { Stream } from "../resources/streaming.ts";
import type { ResponseStreamEvent } from "../resources/types/response_events.ts";
import type * as types from "../resources/types/responses.ts";
import { segment } from "../resources/url.ts";

/** How a response is looked up. */
export interface ResponseRetrieveParams {
  include?: string[];
  include_obfuscation?: boolean;
  /** The number of the last event that is known already. */
  starting_after?: number;
  /** Whether its events are wanted. */
  stream?: boolean;
}

/** What is asked for a stream with helpers: a new response, or one that is under way. */
export type ResponseStreamParams =
  | (Omit<types.ResponseCreateParamsBase, "stream" | "response_id"> & { stream?: true; response_id?: never })
  | {
      /** The response that is under way. */
      response_id: string;
      /** The number of the last event that nobody needs to be told of. */
      starting_after?: number;
      text?: object;
      tools?: types.ResponseCreateParamsBase["tools"];
    };

/** How a call for a response that is parsed differs. */
export type ResponseParseOptions = RequestOptions & ParseOptions;

/** The same with a format of a helper's. */
type ParsedAs<T> = RequestOptions & { parseAs: { __output: T } };

/** What responses were asked, page by page. */
export type ResponseItemsPage = CursorPage<types.ResponseItem>;

/** What responses were asked. */
export class InputItems extends plain.APIResource {
  /** All that a response was asked. */
  list(
    id: string,
    query?: types.InputItemListParams | null,
    options?: RequestOptions,
  ): PagePromise<ResponseItemsPage, types.ResponseItem> {
    return listed(this._client, CursorPage<types.ResponseItem>, `${pathOf(id)}/input_items`, query, options);
  }
}

/** Tokens of requests. */
export class InputTokens extends plain.APIResource {
  /** Counts the tokens that a request would have. */
  count(
    body?: types.InputTokenCountParams | null,
    options?: RequestOptions,
  ): APIPromise<types.InputTokenCountResponse> {
    return this._post("/responses/input_tokens", body ?? {}, options);
  }
}

/** Responses. */
export class Responses extends plain.Responses {
  static override readonly name = "Responses";
  /** What responses were asked. */
  readonly inputItems: InputItems = new InputItems(this._client);
  /** Tokens of requests. */
  readonly inputTokens: InputTokens = new InputTokens(this._client);

  /** Asks for a response that is JSON, and parses it. */
  parse<T>(
    body: types.ResponseCreateParamsNonStreaming,
    options: ParsedAs<T>,
  ): APIPromise<ParsedResponse<T>>;
  parse<P extends types.ResponseCreateParamsNonStreaming, T = ParsedResponseBy<P>>(
    body: P,
    options?: ResponseParseOptions,
  ): APIPromise<ParsedResponse<T>>;
  parse<T>(
    body: types.ResponseCreateParamsNonStreaming,
    { parseAs, ...options }: ResponseParseOptions = {},
  ): APIPromise<ParsedResponse<T>> {
    const params = parsingOf(body, { parseAs });
    return unwrapped(asked(this).create(body, options), (response) => parsedResponse<T>(response, params));
  }

  /** Asks for a stream that puts the response together. */
  stream<T>(body: ResponseStreamParams, options: ParsedAs<T>): ResponseStream<T>;
  stream<P extends ResponseStreamParams, T = ParsedResponseBy<P>>(body: P, options?: ResponseParseOptions): ResponseStream<T>;
  stream<T>(body: ResponseStreamParams, { parseAs, ...options }: ResponseParseOptions = {}): ResponseStream<T> {
    const given: ResponseStreamParams = keptBody(body);
    const parsing = parsingOf(given as types.ResponseCreateParamsBase, { parseAs });
    const kept = keptOptions(options);
    if (given.response_id === undefined) {
      return new ResponseStream<T>(parsing)._begin(
        async (signal) => asked(this).create({ ...given, stream: true }, { ...kept, signal }),
        options.signal,
      );
    }
    // What came before is needed too, to put the response together.
    const { response_id, starting_after } = given;
    return new ResponseStream<T>(parsing, starting_after)._begin(
      async (signal) => asked(this).retrieve(response_id, { stream: true }, { ...kept, signal }),
      options.signal,
    );
  }

  /** A response that was asked for earlier, or its events. */
  retrieve(
    id: string,
    params: ResponseRetrieveParams & { stream: true },
    options?: RequestOptions,
  ): APIPromise<Stream<ResponseStreamEvent>>;
  retrieve(
    id: string,
    params?: ResponseRetrieveParams & { stream?: false },
    options?: RequestOptions,
  ): APIPromise<types.Response>;
  retrieve(id: string, params: ResponseRetrieveParams = {}, options?: RequestOptions): APIPromise<never> {
    const stream = params.stream ?? false;
    return this._client
      .request<types.Response>({ method: "get", path: pathOf(id), query: params, ...options, stream })
      ._thenUnwrap(withText) as APIPromise<never>;
  }

  /** Forgets a response. */
  delete(id: string, options?: RequestOptions): APIPromise<void> {
    // Nothing is answered, of whatever type.
    const headers: HeaderOptions = [["accept", "*/*"], ...pairsOf(options?.headers ?? undefined)];
    return this._client.request({ method: "delete", path: pathOf(id), ...options, headers });
  }

  /** Stops a response that is made in the background. */
  cancel(id: string, options?: RequestOptions): APIPromise<types.Response> {
    return this._client
      .request<types.Response>({ method: "post", path: `${pathOf(id)}/cancel`, ...options })
      ._thenUnwrap(withText);
  }

  /** Makes a conversation shorter. */
  compact(body: types.ResponseCompactParams, options?: RequestOptions): APIPromise<types.CompactedResponse> {
    return this._post("/responses/compact", body, options);
  }
}

/** What helpers ask: the client's part, whatever proxy a library may have put before it. */
function asked({ _client }: Responses): Responses {
  return (_client as unknown as { responses: Responses }).responses;
}

function pathOf(id: string): string {
  return `/responses/${segment(id)}`;
}
