/** `POST /responses` with helpers, and what can be done with a response later. */

import * as plain from "./endpoints.ts";
import type { APIPromise } from "./promise.ts";
import type { RequestOptions } from "./request.ts";
import { type ParsedResponse, type ParsedResponseBy, parsedResponse, withText } from "./runner/response_parse.ts";
import { ResponseStream } from "./runner/response_stream.ts";
import type { Stream } from "./streaming.ts";
import type * as types from "./types/others.ts";

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

/** Responses. */
export class Responses extends plain.Responses {
  /** Asks for a response that is JSON, and parses it. */
  parse<P extends types.ResponseCreateParamsNonStreaming, T = ParsedResponseBy<P>>(
    body: P,
    options?: RequestOptions,
  ): APIPromise<ParsedResponse<T>> {
    return this.create(body, options)._thenUnwrap((response) => parsedResponse<T>(response, body));
  }

  /** Asks for a stream that puts the response together. */
  stream<P extends ResponseStreamParams, T = ParsedResponseBy<P>>(
    body: P,
    options?: RequestOptions,
  ): ResponseStream<T> {
    const asked: ResponseStreamParams = body;
    if (asked.response_id === undefined) {
      const { text, tools } = asked as types.ResponseCreateParamsBase;
      return new ResponseStream<T>({ text, tools })._begin(
        async (signal) => this.create({ ...asked, stream: true }, { ...options, signal }),
        options?.signal,
      );
    }
    // What came before is needed too, to put the response together.
    const { response_id, starting_after, ...params } = asked;
    return new ResponseStream<T>(params, starting_after)._begin(
      async (signal) => this.retrieve(response_id, { stream: true }, { ...options, signal }),
      options?.signal,
    );
  }

  /** A response that was asked for earlier, or its events. */
  retrieve(
    id: string,
    params: ResponseRetrieveParams & { stream: true },
    options?: RequestOptions,
  ): APIPromise<Stream<types.ResponseStreamEvent>>;
  retrieve(
    id: string,
    params?: ResponseRetrieveParams & { stream?: false },
    options?: RequestOptions,
  ): APIPromise<types.Response>;
  retrieve(id: string, params: ResponseRetrieveParams = {}, options?: RequestOptions): APIPromise<never> {
    const stream = params.stream ?? false;
    return this._client
      .request<types.Response>({ ...options, method: "get", path: pathOf(id), query: params, stream })
      ._thenUnwrap(withText) as APIPromise<never>;
  }

  /** Forgets a response. */
  delete(id: string, options?: RequestOptions): APIPromise<void> {
    return this._client.request({ ...options, method: "delete", path: pathOf(id) });
  }

  /** Stops a response that is made in the background. */
  cancel(id: string, options?: RequestOptions): APIPromise<types.Response> {
    return this._client
      .request<types.Response>({ ...options, method: "post", path: `${pathOf(id)}/cancel` })
      ._thenUnwrap(withText);
  }
}

function pathOf(id: string): string {
  return `/responses/${encodeURIComponent(id)}`;
}
