/** Chat completions: the request, the answer and its chunks. */

import type {
  ChatCompletionContentPartText,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
  ChatCompletionMessageToolCall,
} from "./message.ts";
import type {
  ChatModel,
  CompletionUsage,
  FunctionDefinition,
  Metadata,
  ReasoningEffort,
  ResponseFormatJSONObject,
  ResponseFormatJSONSchema,
  ResponseFormatText,
} from "./shared.ts";

/** A function that the model may call. */
export interface ChatCompletionFunctionTool {
  function: FunctionDefinition;
  type: "function";
}

/** A tool that takes text of any form. */
export interface ChatCompletionCustomTool {
  custom: { name: string; description?: string; format?: ChatCompletionCustomTool.Format };
  type: "custom";
}

export declare namespace ChatCompletionCustomTool {
  /** What form the text has. */
  type Format = { type: "text" } | { type: "grammar"; grammar: { definition: string; syntax: "lark" | "regex" } };
}

/** A tool that the model may call. */
export type ChatCompletionTool = ChatCompletionFunctionTool | ChatCompletionCustomTool;

/** Which tool is to be called. */
export type ChatCompletionToolChoiceOption =
  | "none"
  | "auto"
  | "required"
  | ChatCompletionNamedToolChoice
  | ChatCompletionNamedToolChoiceCustom
  | ChatCompletionAllowedToolChoice;

/** This tool, which takes text, is to be called. */
export interface ChatCompletionNamedToolChoiceCustom {
  custom: { name: string };
  type: "custom";
}

/** Only these tools may be called. */
export interface ChatCompletionAllowedToolChoice {
  allowed_tools: ChatCompletionAllowedTools;
  type: "allowed_tools";
}

/** Tools that may be called, or of which one must be. */
export interface ChatCompletionAllowedTools {
  mode: "auto" | "required";
  tools: Record<string, unknown>[];
}

/** This function is to be called, as it was said before there were tools. */
export interface ChatCompletionFunctionCallOption {
  name: string;
}

/** What an answer may be. */
export type ChatCompletionModality = "text" | "audio";

/** How a spoken answer is to sound. */
export interface ChatCompletionAudioParam {
  format: "wav" | "aac" | "mp3" | "flac" | "opus" | "pcm16";
  voice: string | { id: string };
}

/** A spoken answer. */
export interface ChatCompletionAudio {
  id: string;
  data: string;
  expires_at: number;
  transcript: string;
}

/** What the answer will mostly be. */
export interface ChatCompletionPredictionContent {
  content: string | ChatCompletionContentPartText[];
  type: "content";
}

/** How long the model is to think. */
export type ChatCompletionReasoningEffort = ReasoningEffort;

/** This function is to be called. */
export interface ChatCompletionNamedToolChoice {
  function: { name: string };
  type: "function";
}

/** What a stream says beside its answer. */
export interface ChatCompletionStreamOptions {
  include_obfuscation?: boolean;
  include_usage?: boolean;
}

/** What is asked of a chat model. Fields that are not named here reach the server too, and are named
 * by servers that understand them. */
export interface ChatCompletionCreateParamsBase {
  messages: ChatCompletionMessageParam[];
  model: (string & {}) | ChatModel;
  audio?: ChatCompletionAudioParam | null;
  frequency_penalty?: number | null;
  function_call?: "none" | "auto" | ChatCompletionFunctionCallOption;
  functions?: FunctionDefinition[];
  logit_bias?: Record<string, number> | null;
  logprobs?: boolean | null;
  max_completion_tokens?: number | null;
  max_tokens?: number | null;
  metadata?: Metadata | null;
  modalities?: ChatCompletionModality[] | null;
  n?: number | null;
  parallel_tool_calls?: boolean;
  prediction?: ChatCompletionPredictionContent | null;
  presence_penalty?: number | null;
  prompt_cache_key?: string | null;
  prompt_cache_retention?: "in-memory" | "in_memory" | "24h" | null;
  reasoning_effort?: ReasoningEffort;
  response_format?: ResponseFormatText | ResponseFormatJSONSchema | ResponseFormatJSONObject;
  safety_identifier?: string | null;
  seed?: number | null;
  service_tier?: "auto" | "default" | "flex" | "scale" | "priority" | "fast" | null;
  stop?: string | null | string[];
  store?: boolean | null;
  stream?: boolean | null;
  stream_options?: ChatCompletionStreamOptions | null;
  temperature?: number | null;
  tool_choice?: ChatCompletionToolChoiceOption;
  tools?: ChatCompletionTool[];
  top_logprobs?: number | null;
  top_p?: number | null;
  user?: string;
  verbosity?: "low" | "medium" | "high" | null;
  web_search_options?: object;
}

/** The answer is wanted whole. */
export interface ChatCompletionCreateParamsNonStreaming extends ChatCompletionCreateParamsBase {
  stream?: false | null;
}

/** The answer is wanted as a stream. */
export interface ChatCompletionCreateParamsStreaming extends ChatCompletionCreateParamsBase {
  stream: true;
}

/** What is asked of a chat model. */
export type ChatCompletionCreateParams =
  | ChatCompletionCreateParamsNonStreaming
  | ChatCompletionCreateParamsStreaming;

/** A token, and how likely it was. */
export interface ChatCompletionTokenLogprob {
  token: string;
  bytes: number[] | null;
  logprob: number;
  top_logprobs: { token: string; bytes: number[] | null; logprob: number }[];
}

/** How likely the tokens were. */
export interface ChatCompletionLogprobs {
  content: ChatCompletionTokenLogprob[] | null;
  refusal: ChatCompletionTokenLogprob[] | null;
}

/** What the model said. */
export interface ChatCompletionMessage {
  content: string | null;
  refusal: string | null;
  role: "assistant";
  annotations?: ChatCompletionMessage.Annotation[];
  audio?: ChatCompletionAudio | null;
  function_call?: { arguments: string; name: string } | null;
  tool_calls?: ChatCompletionMessageToolCall[];
}

export declare namespace ChatCompletionMessage {
  /** A page that the answer rests on. */
  interface Annotation {
    type: "url_citation";
    url_citation: { end_index: number; start_index: number; title: string; url: string };
  }
}

/** Why an answer ends. */
export type ChatCompletionFinishReason =
  | "stop"
  | "length"
  | "tool_calls"
  | "content_filter"
  | "function_call";

/** An answer. */
export interface ChatCompletion {
  id: string;
  choices: ChatCompletion.Choice[];
  created: number;
  model: string;
  object: "chat.completion";
  service_tier?: "auto" | "default" | "flex" | "scale" | "priority" | "fast" | null;
  system_fingerprint?: string;
  usage?: CompletionUsage;
}

export declare namespace ChatCompletion {
  /** One of the answers that were asked for. */
  interface Choice {
    finish_reason: ChatCompletionFinishReason;
    index: number;
    logprobs: ChatCompletionLogprobs | null;
    message: ChatCompletionMessage;
  }
}

/** A piece of a streamed answer. */
export interface ChatCompletionChunk {
  id: string;
  choices: ChatCompletionChunk.Choice[];
  created: number;
  model: string;
  object: "chat.completion.chunk";
  /** Fills small chunks up, so that their sizes tell nothing of what they say. */
  obfuscation?: string;
  service_tier?: "auto" | "default" | "flex" | "scale" | "priority" | "fast" | null;
  system_fingerprint?: string;
  usage?: CompletionUsage | null;
}

export declare namespace ChatCompletionChunk {
  /** A piece of one of the answers. */
  interface Choice {
    delta: Choice.Delta;
    finish_reason: ChatCompletionFinishReason | null;
    index: number;
    logprobs?: ChatCompletionLogprobs | null;
  }
  namespace Choice {
    /** What is new. */
    interface Delta {
      content?: string | null;
      function_call?: { arguments?: string; name?: string };
      refusal?: string | null;
      role?: "developer" | "system" | "user" | "assistant" | "tool";
      tool_calls?: Delta.ToolCall[];
      audio?: Partial<NonNullable<ChatCompletionMessage["audio"]>>;
    }
    namespace Delta {
      /** A piece of a tool's call. */
      interface ToolCall {
        index: number;
        id?: string;
        function?: { arguments?: string; name?: string };
        custom?: { input?: string; name?: string };
        type?: "function";
      }
    }
  }
}

/** A call whose arguments have been parsed. */
export interface ParsedFunctionToolCall extends ChatCompletionMessageFunctionToolCall {
  function: ChatCompletionMessageFunctionToolCall.Function & { parsed_arguments?: unknown };
}

/** A message whose content has been parsed. */
export interface ParsedChatCompletionMessage<Parsed> extends ChatCompletionMessage {
  parsed: Parsed | null;
  tool_calls?: ParsedFunctionToolCall[];
}

/** An answer whose content has been parsed. */
export interface ParsedChoice<Parsed> extends ChatCompletion.Choice {
  message: ParsedChatCompletionMessage<Parsed>;
}

/** A completion whose answers have been parsed. */
export interface ParsedChatCompletion<Parsed> extends ChatCompletion {
  choices: ParsedChoice<Parsed>[];
}
