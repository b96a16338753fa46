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
export { APIResource, Completions, Embeddings, Messages, Models } from "./endpoints.ts";
export { Page, PagePromise } from "./page.ts";
export { APIPromise } from "./promise.ts";
export type { FinalRequestOptions, HTTPMethod, RequestOptions } from "./request.ts";
export { Responses, type ResponseRetrieveParams, type ResponseStreamParams } from "./responses.ts";
export {
  ChatCompletionStream,
  type ChatCompletionStreamEvents,
  ChatCompletionStreamingRunner,
} from "./runner/chat_stream.ts";
export type { ChatCompletionSnapshot } from "./runner/gather.ts";
export type { ParsedResponse } from "./runner/response_parse.ts";
export { type ResponseDeltaEvent, ResponseStream, type ResponseStreamEvents } from "./runner/response_stream.ts";
export { ChatCompletionRunner, type ChatCompletionRunnerEvents } from "./runner/tool_runner.ts";
export {
  ParsingToolFunction,
  type RunnableFunction,
  type RunnableToolFunction,
  type RunnerOptions,
  type ToolRunner,
} from "./runner/tools.ts";
export type * from "./types/chat.ts";
export type * from "./types/message.ts";
export type * from "./types/others.ts";
export type * from "./types/shared.ts";
