/** Conversations. */

import type { CursorPageParams } from "../cursor_page.ts";
import type { ResponseIncludable, ResponseInputItem, ResponseItem } from "../../resources/types/responses.ts";
import type { Metadata } from "../../resources/types/shared.ts";

/** What a conversation begins with. */
export interface ConversationCreateParams {
  items?: ResponseInputItem[] | null;
  metadata?: Metadata | null;
}
/** What is noted of a conversation from now on. */
export interface ConversationUpdateParams {
  metadata: Metadata | null;
}
/** A conversation. */
export interface Conversation {
  id: string;
  created_at: number;
  metadata: unknown;
  object: "conversation";
}
/** Says that a conversation has been forgotten. */
export interface ConversationDeletedResource {
  id: string;
  deleted: boolean;
  object: "conversation.deleted";
}
/** What was said in a conversation. */
export type ConversationItem = ResponseItem;
/** What was added to a conversation. */
export interface ConversationItemList {
  data: ConversationItem[];
  first_id: string;
  has_more: boolean;
  last_id: string;
  object: "list";
}
/** What is added to a conversation. */
export interface ItemCreateParams {
  items: ResponseInputItem[];
  include?: ResponseIncludable[];
}
/** Which conversation an item is of. */
export interface ItemRetrieveParams {
  conversation_id: string;
  include?: ResponseIncludable[];
}
/** Which items of a conversation are wanted. */
export interface ItemListParams extends CursorPageParams {
  include?: ResponseIncludable[];
  order?: "asc" | "desc";
}
/** Which conversation an item is of. */
export interface ItemDeleteParams {
  conversation_id: string;
}
