/** `POST /chat/completions` */

import { APIResource } from "./endpoints.ts";
import type { APIPromise } from "./promise.ts";
import type { RequestOptions } from "./request.ts";
import type { Stream } from "./streaming.ts";
import type * as types from "./types/chat.ts";

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
}

/** Chat. */
export class Chat extends APIResource {
  /** Chat completions. */
  readonly completions = new Completions(this._client);
}
