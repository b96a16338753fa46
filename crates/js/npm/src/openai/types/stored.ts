/** Chat completions that the server keeps. */

import type { CursorPageParams } from "../cursor_page.ts";
import type { ChatCompletionMessage } from "../../resources/types/chat.ts";
import type { ChatCompletionContentPartImage, ChatCompletionContentPartText } from "../../resources/types/message.ts";
import type { Metadata } from "../../resources/types/shared.ts";

/** What is noted of a stored chat completion from now on. */
export interface ChatCompletionUpdateParams {
  metadata: Metadata | null;
}

/** Which stored chat completions are wanted. */
export interface ChatCompletionListParams extends CursorPageParams {
  metadata?: Metadata | null;
  model?: string;
  order?: "asc" | "desc";
}

/** Which messages of a stored chat completion are wanted. */
export interface MessageListParams extends CursorPageParams {
  order?: "asc" | "desc";
}

/** A message of a stored chat completion. */
export interface ChatCompletionStoreMessage extends ChatCompletionMessage {
  id: string;
  content_parts?: (ChatCompletionContentPartText | ChatCompletionContentPartImage)[] | null;
}

/** Says that a stored chat completion has been forgotten. */
export interface ChatCompletionDeleted {
  id: string;
  deleted: boolean;
  object: "chat.completion.deleted";
}
