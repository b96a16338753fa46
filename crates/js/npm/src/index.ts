/**
 * An LLM client that bounds its concurrency, retries without feeding an overload, and keeps its
 * connections.
 *
 * @packageDocumentation
 */

export { Batch, type BatchItem, type BatchOptions, type Progress } from "./batch.ts";
export type { Answer, ToolCall } from "./call.ts";
export type { ModelStats, Stats } from "./client.ts";
export { decodeText } from "./decode.ts";
export {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  type ErrorKind,
  type Failure,
  InternalServerError,
  KneepointError,
  NotFoundError,
  PermissionDeniedError,
  type Phase,
  RateLimitError,
  UnprocessableEntityError,
} from "./errors.ts";
export type { Generated } from "./generated.ts";
export { Kneepoint } from "./kneepoint.ts";
export type {
  AttemptEvent,
  CacheOptions,
  CacheStore,
  CallOptions,
  ClientOptions,
  HeaderOptions,
  Logger,
  LogLevel,
  QueryOptions,
} from "./options.ts";
export type { GenerateOptions, Message } from "./prompt.ts";
export type { AttemptTiming, Timing, Usage } from "./record.ts";
export type { ModuleSource } from "./runtime/source.ts";
export { TextStream } from "./stream.ts";
export type { Connections, FetchLike } from "./transport/transport.ts";
export { Kneepoint as default } from "./kneepoint.ts";
