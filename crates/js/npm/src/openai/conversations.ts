/** Conversations that the server keeps, and that responses may go on with. */

import { ConversationCursorPage, listed } from "./cursor_page.ts";
import { APIResource } from "../resources/endpoints.ts";
import type { PagePromise } from "../resources/page.ts";
import type { APIPromise } from "../resources/promise.ts";
import type { RequestOptions } from "../resources/request.ts";
import type * as types from "./types/conversations.ts";
import { segment } from "../resources/url.ts";

/** The items of a conversation, page by page. */
export type ConversationItemsPage = ConversationCursorPage<types.ConversationItem>;

/** What was said in a conversation. */
export class Items extends APIResource {
  /** Adds to a conversation. */
  create(
    conversation: string,
    params: types.ItemCreateParams,
    options?: RequestOptions,
  ): APIPromise<types.ConversationItemList> {
    const { include, ...body } = params;
    return this._post(`${pathOf(conversation)}/items`, body, { query: { include }, ...options });
  }

  /** What was said once. */
  retrieve(
    id: string,
    params: types.ItemRetrieveParams,
    options?: RequestOptions,
  ): APIPromise<types.ConversationItem> {
    const { conversation_id, ...query } = params;
    return this._client.request({ method: "get", path: pathOf(conversation_id, id), query, ...options });
  }

  /** All that was said. */
  list(
    conversation: string,
    query?: types.ItemListParams | null,
    options?: RequestOptions,
  ): PagePromise<ConversationItemsPage, types.ConversationItem> {
    const Page = ConversationCursorPage<types.ConversationItem>;
    return listed(this._client, Page, `${pathOf(conversation)}/items`, query, options);
  }

  /** Takes something out of a conversation. */
  delete(id: string, params: types.ItemDeleteParams, options?: RequestOptions): APIPromise<types.Conversation> {
    return this._client.request({ method: "delete", path: pathOf(params.conversation_id, id), ...options });
  }
}

/** Conversations. */
export class Conversations extends APIResource {
  /** What was said in them. */
  readonly items: Items = new Items(this._client);

  /** Begins a conversation. */
  create(
    body?: types.ConversationCreateParams | null,
    options?: RequestOptions,
  ): APIPromise<types.Conversation> {
    return this._post("/conversations", body ?? {}, options);
  }

  /** What is noted of a conversation. */
  retrieve(id: string, options?: RequestOptions): APIPromise<types.Conversation> {
    return this._client.request({ method: "get", path: pathOf(id), ...options });
  }

  /** Changes what is noted of a conversation. */
  update(
    id: string,
    body: types.ConversationUpdateParams,
    options?: RequestOptions,
  ): APIPromise<types.Conversation> {
    return this._post(pathOf(id), body, options);
  }

  /** Forgets a conversation. What was said stays. */
  delete(id: string, options?: RequestOptions): APIPromise<types.ConversationDeletedResource> {
    return this._client.request({ method: "delete", path: pathOf(id), ...options });
  }
}

function pathOf(conversation: string, item?: string): string {
  const path = `/conversations/${segment(conversation)}`;
  return item === undefined ? path : `${path}/items/${segment(item)}`;
}
