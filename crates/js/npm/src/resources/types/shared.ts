/** What several endpoints have in common. */

/** A model's name. */
export type ChatModel = string;

/** Up to 16 pairs that are kept with an object. */
export type Metadata = Record<string, string>;

/** A JSON schema. */
export type FunctionParameters = Record<string, unknown>;

/** A function that the model may call. */
export interface FunctionDefinition {
  name: string;
  description?: string;
  parameters?: FunctionParameters;
  strict?: boolean | null;
}

/** How long the model is to think. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | null;

/** Plain text is wanted. */
export interface ResponseFormatText {
  type: "text";
}

/** A JSON object is wanted. */
export interface ResponseFormatJSONObject {
  type: "json_object";
}

/** JSON of a schema is wanted. */
export interface ResponseFormatJSONSchema {
  type: "json_schema";
  json_schema: {
    name: string;
    description?: string;
    schema?: Record<string, unknown>;
    strict?: boolean | null;
  };
}

/** Tokens that a completion used. */
export interface CompletionUsage {
  completion_tokens: number;
  prompt_tokens: number;
  total_tokens: number;
  completion_tokens_details?: {
    accepted_prediction_tokens?: number;
    audio_tokens?: number;
    reasoning_tokens?: number;
    rejected_prediction_tokens?: number;
    text_tokens?: number;
  };
  prompt_tokens_details?: { audio_tokens?: number; cache_write_tokens?: number; cached_tokens?: number };
}

/** An endpoint's error object. */
export interface ErrorObject {
  code: string | null;
  message: string;
  param: string | null;
  type: string;
}
