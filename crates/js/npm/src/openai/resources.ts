/**
 * The parts of the API, and the types of what they are asked and answer.
 *
 * @packageDocumentation
 */

export {
  Chat,
  type ChatCompletionStreamingToolRunnerParams,
  type ChatCompletionStreamParams,
  type ChatCompletionToolRunnerParams,
  Completions as ChatCompletions,
} from "./chat_helpers.ts";
export { Conversations, type ConversationItemsPage } from "./conversations.ts";
export {
  ConversationCursorPage,
  type ConversationCursorPageResponse,
  CursorPage,
  type CursorPageParams,
  type CursorPageResponse,
} from "./cursor_page.ts";
export { APIResource, Completions, Embeddings, Messages, Models } from "../resources/endpoints.ts";
export { type ResponseLike, toFile, type ToFileInput, type Uploadable } from "./file.ts";
export { AbstractPage, Page, PagePromise, type PageRequestOptions, type PageResponse } from "../resources/page.ts";
export { APIPromise } from "../resources/promise.ts";
export type { FinalRequestOptions, HTTPMethod, RequestOptions } from "../resources/request.ts";
export {
  type ResponseItemsPage,
  Responses,
  type ResponseRetrieveParams,
  type ResponseStreamParams,
} from "./responses.ts";
export {
  ChatCompletionStream,
  type ChatCompletionStreamEvents,
  ChatCompletionStreamingRunner,
} from "./runner/chat_stream.ts";
export type { ChatCompletionSnapshot } from "./runner/gather.ts";
export type { ParsedResponse } from "../resources/response_parse.ts";
export { type ResponseDeltaEvent, ResponseStream, type ResponseStreamEvents } from "./runner/response_stream.ts";
export { ChatCompletionRunner, type ChatCompletionRunnerEvents } from "./runner/tool_runner.ts";
export {
  ParsingToolFunction,
  type RunnableFunction,
  type RunnableToolFunction,
  type RunnerOptions,
  type ToolRunner,
} from "./runner/tools.ts";
export { Batches, type BatchesPage, Images, Moderations } from "./services.ts";
export type { ChatCompletionsPage, ChatCompletionStoreMessagesPage } from "./stored.ts";
export type * from "../resources/types/chat.ts";
export type * from "./types/conversations.ts";
export type * from "../resources/types/message.ts";
export type * from "../resources/types/others.ts";
export type * from "../resources/types/response_events.ts";
export type * from "../resources/types/responses.ts";
export type * from "./types/services.ts";
export type * from "../resources/types/shared.ts";
export type * from "./types/stored.ts";
