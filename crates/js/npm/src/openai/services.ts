/** What else has one question and one answer: moderations, pictures, batches. */

import { CursorPage, listed } from "./cursor_page.ts";
import { APIResource } from "../resources/endpoints.ts";
import type { PagePromise } from "../resources/page.ts";
import type { APIPromise } from "../resources/promise.ts";
import type { RequestOptions } from "../resources/request.ts";
import type { Stream } from "../resources/streaming.ts";
import type * as types from "./types/services.ts";
import { segment } from "../resources/url.ts";

/** `POST /moderations` */
export class Moderations extends APIResource {
  /** Asks whether texts and pictures may be harmful. */
  create(
    body: types.ModerationCreateParams,
    options?: RequestOptions,
  ): APIPromise<types.ModerationCreateResponse> {
    return this._post("/moderations", body, options);
  }
}

/** `POST /images/generations` */
export class Images extends APIResource {
  /** Asks for pictures. */
  generate(body: types.ImageGenerateParamsNonStreaming, options?: RequestOptions): APIPromise<types.ImagesResponse>;
  generate(
    body: types.ImageGenerateParamsStreaming,
    options?: RequestOptions,
  ): APIPromise<Stream<types.ImageGenStreamEvent>>;
  generate(
    body: types.ImageGenerateParamsBase,
    options?: RequestOptions,
  ): APIPromise<Stream<types.ImageGenStreamEvent> | types.ImagesResponse>;
  generate(body: object, options?: RequestOptions): APIPromise<never> {
    return this._post("/images/generations", body, options);
  }
}

/** Batches, page by page. */
export type BatchesPage = CursorPage<types.Batch>;

/** Files of requests that the server answers in its own time. */
export class Batches extends APIResource {
  /** Has a file of requests answered. */
  create(body: types.BatchCreateParams, options?: RequestOptions): APIPromise<types.Batch> {
    return this._post("/batches", body, options);
  }

  /** How far a batch is. */
  retrieve(id: string, options?: RequestOptions): APIPromise<types.Batch> {
    return this._client.request({ method: "get", path: `/batches/${segment(id)}`, ...options });
  }

  /** The batches that there are. */
  list(query?: types.BatchListParams | null, options?: RequestOptions): PagePromise<BatchesPage, types.Batch> {
    return listed(this._client, CursorPage<types.Batch>, "/batches", query, options);
  }

  /** Ends a batch early. */
  cancel(id: string, options?: RequestOptions): APIPromise<types.Batch> {
    return this._client.request({ method: "post", path: `/batches/${segment(id)}/cancel`, ...options });
  }
}
