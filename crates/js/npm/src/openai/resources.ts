/**
 * The parts of the API, and the types of what they are asked and answer.
 *
 * @packageDocumentation
 */

export { Chat, type ChatCompletionStreamParams, Completions as ChatCompletions } from "./chat.ts";
export { APIResource, Completions, Embeddings, Messages, Models, Responses } from "./endpoints.ts";
export { Page, PagePromise } from "./page.ts";
export { APIPromise } from "./promise.ts";
export type { FinalRequestOptions, HTTPMethod, RequestOptions } from "./request.ts";
export { ChatCompletionStream, type ChatCompletionStreamEvents } from "./runner/chat_stream.ts";
export type { ChatCompletionSnapshot } from "./runner/gather.ts";
export type * from "./types/chat.ts";
export type * from "./types/message.ts";
export type * from "./types/others.ts";
export type * from "./types/shared.ts";
