/** `POST /chat/completions` */

import { APIResource } from "./endpoints.ts";
import type { APIPromise } from "./promise.ts";
import type { RequestOptions } from "./request.ts";
import { ChatCompletionStream } from "./runner/chat_stream.ts";
import { type ParsedBy, parsed } from "./runner/parse.ts";
import type { Stream } from "./streaming.ts";
import type * as types from "./types/chat.ts";

/** What is asked of a chat model for a stream with helpers. */
export type ChatCompletionStreamParams = Omit<types.ChatCompletionCreateParamsBase, "stream"> & {
  stream?: true;
};

/** Chat completions. */
export class Completions extends APIResource {
  /** Asks a chat model. */
  create(
    body: types.ChatCompletionCreateParamsNonStreaming,
    options?: RequestOptions,
  ): APIPromise<types.ChatCompletion>;
  create(
    body: types.ChatCompletionCreateParamsStreaming,
    options?: RequestOptions,
  ): APIPromise<Stream<types.ChatCompletionChunk>>;
  create(
    body: types.ChatCompletionCreateParamsBase,
    options?: RequestOptions,
  ): APIPromise<Stream<types.ChatCompletionChunk> | types.ChatCompletion>;
  create(body: object, options?: RequestOptions): APIPromise<never> {
    return this._post("/chat/completions", body, options);
  }

  /** Asks for JSON, and parses it. */
  parse<P extends types.ChatCompletionCreateParamsNonStreaming, T = ParsedBy<P>>(
    body: P,
    options?: RequestOptions,
  ): APIPromise<types.ParsedChatCompletion<T>> {
    return this.create(body, options)._thenUnwrap((completion) => parsed<T>(completion, body));
  }

  /** Asks a chat model for a stream that puts the completion together. */
  stream<P extends ChatCompletionStreamParams, T = ParsedBy<P>>(
    body: P,
    options?: RequestOptions,
  ): ChatCompletionStream<T> {
    return new ChatCompletionStream<T>(
      body,
      async (signal) => this.create({ ...body, stream: true }, { ...options, signal }),
      options?.signal,
    );
  }
}

/** Chat. */
export class Chat extends APIResource {
  /** Chat completions. */
  readonly completions = new Completions(this._client);
}
