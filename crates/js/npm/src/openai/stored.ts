/** Chat completions that the server keeps: those that were asked for with `store: true`. */

import * as plain from "../resources/chat.ts";
import { CursorPage, listed } from "./cursor_page.ts";
import { APIResource } from "../resources/endpoints.ts";
import type { PagePromise } from "../resources/page.ts";
import type { APIPromise } from "../resources/promise.ts";
import type { RequestOptions } from "../resources/request.ts";
import type { ChatCompletion } from "../resources/types/chat.ts";
import type * as types from "./types/stored.ts";
import { segment } from "../resources/url.ts";

/** Stored chat completions, page by page. */
export type ChatCompletionsPage = CursorPage<ChatCompletion>;

/** The messages of a stored chat completion, page by page. */
export type ChatCompletionStoreMessagesPage = CursorPage<types.ChatCompletionStoreMessage>;

/** What stored chat completions were asked. */
export class Messages extends APIResource {
  /** The messages that a stored chat completion answers. */
  list(
    id: string,
    query?: types.MessageListParams | null,
    options?: RequestOptions,
  ): PagePromise<ChatCompletionStoreMessagesPage, types.ChatCompletionStoreMessage> {
    const Page = CursorPage<types.ChatCompletionStoreMessage>;
    return listed(this._client, Page, `${pathOf(id)}/messages`, query, options);
  }
}

/** Chat completions, those that are stored too. */
export class Completions extends plain.Completions {
  /** What stored chat completions were asked. */
  readonly messages: Messages = new Messages(this._client);

  /** A stored chat completion. */
  retrieve(id: string, options?: RequestOptions): APIPromise<ChatCompletion> {
    return this._client.request({ method: "get", path: pathOf(id), ...options });
  }

  /** Changes what is noted of a stored chat completion. */
  update(
    id: string,
    body: types.ChatCompletionUpdateParams,
    options?: RequestOptions,
  ): APIPromise<ChatCompletion> {
    return this._post(pathOf(id), body, options);
  }

  /** The stored chat completions. */
  list(
    query?: types.ChatCompletionListParams | null,
    options?: RequestOptions,
  ): PagePromise<ChatCompletionsPage, ChatCompletion> {
    return listed(this._client, CursorPage<ChatCompletion>, "/chat/completions", query, options);
  }

  /** Forgets a stored chat completion. */
  delete(id: string, options?: RequestOptions): APIPromise<types.ChatCompletionDeleted> {
    return this._client.request({ method: "delete", path: pathOf(id), ...options });
  }
}

function pathOf(id: string): string {
  return `/chat/completions/${segment(id)}`;
}
