/** The endpoints that have one question and one answer. */

import { checkObject } from "../kinds.ts";
import { Page, type PageClient, PagePromise } from "./page.ts";
import type { APIPromise } from "./promise.ts";
import type { FinalRequestOptions, RequestOptions } from "./request.ts";
import { withText } from "./response_parse.ts";
import type { Stream } from "./streaming.ts";
import type * as types from "./types/others.ts";
import type { ResponseStreamEvent } from "./types/response_events.ts";
import type * as responses from "./types/responses.ts";
import { segment } from "./url.ts";

/** What endpoints are asked through. */
export interface Requester extends PageClient {
  /** Sends a request. */
  request<T>(options: FinalRequestOptions): APIPromise<T>;
}

/** A part of the API. */
export class APIResource {
  /** @internal */
  readonly _client: Requester;

  /** @internal */
  constructor(client: Requester) {
    this._client = client;
  }

  /** @internal */
  _post<T>(path: string, body: object, options: RequestOptions | undefined): APIPromise<T> {
    checkObject("body", body);
    const stream = (body as { stream?: boolean | null }).stream ?? false;
    // Copied first: that is how it costs least.
    return this._client.request({
      ...options,
      method: options?.method ?? "post",
      path: options?.path ?? path,
      body: options?.body ?? body,
      stream,
    });
  }
}

/** `POST /completions` */
export class Completions extends APIResource {
  /** Completes a text. */
  create(
    body: types.CompletionCreateParamsNonStreaming,
    options?: RequestOptions,
  ): APIPromise<types.Completion>;
  create(
    body: types.CompletionCreateParamsStreaming,
    options?: RequestOptions,
  ): APIPromise<Stream<types.Completion>>;
  create(
    body: types.CompletionCreateParamsBase,
    options?: RequestOptions,
  ): APIPromise<Stream<types.Completion> | types.Completion>;
  create(body: object, options?: RequestOptions): APIPromise<never> {
    return this._post("/completions", body, options);
  }
}

/** `POST /embeddings` */
export class Embeddings extends APIResource {
  /** Makes vectors of texts. They travel as bytes unless `encoding_format` says otherwise. */
  create(
    body: types.EmbeddingCreateParams,
    options?: RequestOptions,
  ): APIPromise<types.CreateEmbeddingResponse> {
    checkObject("body", body);
    if (body.encoding_format) return this._post("/embeddings", body, options);
    const packed = { ...body, encoding_format: "base64" };
    const answer = this._post<types.CreateEmbeddingResponse>("/embeddings", packed, options);
    return answer._thenUnwrap((list) => {
      for (const one of list.data ?? []) {
        // Servers that know no packed form send numbers whatever is asked for.
        const embedding: unknown = one.embedding;
        if (typeof embedding === "string") one.embedding = unpacked(embedding);
      }
      return list;
    });
  }
}

/** The numbers of 32 bits in a text in base 64. */
function unpacked(text: string): number[] {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length >> 2 }, (_, i) => view.getFloat32(4 * i, true));
}

/** `GET /models` */
export class Models extends APIResource {
  /** What is known of a model. */
  retrieve(model: string, options?: RequestOptions): APIPromise<types.Model> {
    return this._client.request({ method: "get", path: `/models/${segment(model)}`, ...options });
  }

  /** The models that can be asked. */
  list(options?: RequestOptions): PagePromise<Page<types.Model>> {
    return new PagePromise(this._client, Page<types.Model>, { method: "get", path: "/models", ...options });
  }

  /** Deletes a model that was fine-tuned. */
  delete(model: string, options?: RequestOptions): APIPromise<types.ModelDeleted> {
    return this._client.request({ method: "delete", path: `/models/${segment(model)}`, ...options });
  }
}

/** `POST /responses` */
export class Responses extends APIResource {
  /** Asks for a response. */
  create(
    body: responses.ResponseCreateParamsNonStreaming,
    options?: RequestOptions,
  ): APIPromise<responses.Response>;
  create(
    body: responses.ResponseCreateParamsStreaming,
    options?: RequestOptions,
  ): APIPromise<Stream<ResponseStreamEvent>>;
  create(
    body: responses.ResponseCreateParamsBase,
    options?: RequestOptions,
  ): APIPromise<Stream<ResponseStreamEvent> | responses.Response>;
  create(body: object, options?: RequestOptions): APIPromise<never> {
    return this._post<responses.Response>("/responses", body, options)._thenUnwrap(
      withText,
    ) as APIPromise<never>;
  }
}

/** `POST /messages`, as Anthropic has it */
export class Messages extends APIResource {
  /** Asks for a message. */
  create(
    body: types.MessageCreateParamsNonStreaming,
    options?: RequestOptions,
  ): APIPromise<types.Message>;
  create(
    body: types.MessageCreateParamsStreaming,
    options?: RequestOptions,
  ): APIPromise<Stream<types.MessageStreamEvent>>;
  create(
    body: types.MessageCreateParamsBase,
    options?: RequestOptions,
  ): APIPromise<Stream<types.MessageStreamEvent> | types.Message>;
  create(body: object, options?: RequestOptions): APIPromise<never> {
    return this._post("/messages", body, options);
  }
}
