/** Completions, embeddings, models and Anthropic's messages. */

import type { CompletionUsage } from "./shared.ts";

/** What is asked of a completion model. */
export interface CompletionCreateParamsBase {
  model: string;
  prompt: string | string[] | number[] | number[][] | null;
  best_of?: number | null;
  echo?: boolean | null;
  frequency_penalty?: number | null;
  logit_bias?: Record<string, number> | null;
  logprobs?: number | null;
  max_tokens?: number | null;
  n?: number | null;
  presence_penalty?: number | null;
  seed?: number | null;
  stop?: string | null | string[];
  stream?: boolean | null;
  stream_options?: { include_obfuscation?: boolean; include_usage?: boolean } | null;
  suffix?: string | null;
  temperature?: number | null;
  top_p?: number | null;
  user?: string;
}
/** The answer is wanted whole. */
export interface CompletionCreateParamsNonStreaming extends CompletionCreateParamsBase {
  stream?: false | null;
}
/** The answer is wanted as a stream. */
export interface CompletionCreateParamsStreaming extends CompletionCreateParamsBase {
  stream: true;
}
/** What is asked of a completion model. */
export type CompletionCreateParams =
  | CompletionCreateParamsNonStreaming
  | CompletionCreateParamsStreaming;

/** One of the texts. */
export interface CompletionChoice {
  finish_reason: "stop" | "length" | "content_filter";
  index: number;
  logprobs: {
    text_offset?: number[];
    token_logprobs?: number[];
    tokens?: string[];
    top_logprobs?: Record<string, number>[];
  } | null;
  text: string;
}
/** A completion, or a piece of one. */
export interface Completion {
  id: string;
  choices: CompletionChoice[];
  created: number;
  model: string;
  object: "text_completion";
  system_fingerprint?: string;
  usage?: CompletionUsage;
}

/** A model's name. */
export type EmbeddingModel = string;
/** What is to be embedded. */
export interface EmbeddingCreateParams {
  input: string | string[] | number[] | number[][];
  model: string;
  dimensions?: number;
  encoding_format?: "float" | "base64";
  user?: string;
}
/** A vector. */
export interface Embedding {
  embedding: number[];
  index: number;
  object: "embedding";
}
/** Vectors. */
export interface CreateEmbeddingResponse {
  data: Embedding[];
  model: string;
  object: "list";
  usage: { prompt_tokens: number; total_tokens: number };
}

/** A model that can be asked. */
export interface Model {
  id: string;
  created: number;
  object: "model";
  owned_by: string;
}

/** Says that a model has been deleted. */
export interface ModelDeleted {
  id: string;
  deleted: boolean;
  object: string;
}

/** What is asked of Anthropic's models. */
export interface MessageCreateParamsBase {
  model: string;
  max_tokens: number;
  messages: { role: "user" | "assistant"; content: string | { type: string }[] }[];
  stream?: boolean;
  system?: string | { type: "text"; text: string }[];
  temperature?: number;
  tools?: object[];
  [field: string]: unknown;
}
/** The answer is wanted whole. */
export interface MessageCreateParamsNonStreaming extends MessageCreateParamsBase {
  stream?: false;
}
/** The answer is wanted as a stream. */
export interface MessageCreateParamsStreaming extends MessageCreateParamsBase {
  stream: true;
}
/** A part of an answer of Anthropic's. */
export interface MessageContentBlock {
  type: string;
  text?: string;
  id?: string;
  name?: string;
  input?: unknown;
  [field: string]: unknown;
}
/** An answer of Anthropic's. */
export interface Message {
  id: string;
  content: MessageContentBlock[];
  model: string;
  role: "assistant";
  stop_reason: string | null;
  stop_sequence: string | null;
  type: "message";
  usage: { input_tokens: number; output_tokens: number; [field: string]: unknown };
}
/** An event of a streamed answer of Anthropic's. */
export interface MessageStreamEvent {
  type: string;
  index?: number;
  message?: Message;
  delta?: { type?: string; text?: string; [field: string]: unknown };
  content_block?: MessageContentBlock;
  usage?: { output_tokens: number };
  [field: string]: unknown;
}
