/** Responses: the request and the answer. Fields that are not named here reach both sides too. */

import type { Metadata, ReasoningEffort, ResponseFormatJSONObject, ResponseFormatText } from "./shared.ts";

/** What is asked of the responses endpoint. */
export interface ResponseCreateParamsBase {
  background?: boolean | null;
  conversation?: string | { id: string } | null;
  include?: ResponseIncludable[] | null;
  /** Items and tools may be of types from elsewhere, which say less of what else they may have. */
  input?: string | (ResponseInputItem | { type?: string | null })[];
  instructions?: string | null;
  max_output_tokens?: number | null;
  max_tool_calls?: number | null;
  metadata?: Metadata | null;
  model?: ResponsesModel;
  parallel_tool_calls?: boolean | null;
  previous_response_id?: string | null;
  reasoning?: Reasoning | { effort?: ReasoningEffort } | null;
  store?: boolean | null;
  stream?: boolean | null;
  temperature?: number | null;
  text?: ResponseTextConfig;
  tool_choice?: unknown;
  tools?: (Tool | { type: string })[];
  top_p?: number | null;
  truncation?: "auto" | "disabled" | null;
  [field: string]: unknown;
}
/** The answer is wanted whole. */
export interface ResponseCreateParamsNonStreaming extends ResponseCreateParamsBase {
  stream?: false | null;
}
/** The answer is wanted as a stream. */
export interface ResponseCreateParamsStreaming extends ResponseCreateParamsBase {
  stream: true;
}
/** What is asked of the responses endpoint. */
export type ResponseCreateParams = ResponseCreateParamsNonStreaming | ResponseCreateParamsStreaming;

/** A model's name. */
export type ResponsesModel = string;

/** What a server may add to an answer, such as `message.output_text.logprobs`. */
export type ResponseIncludable = string;

/** How the model is to think. */
export interface Reasoning {
  effort?: ReasoningEffort;
  summary?: "auto" | "concise" | "detailed" | null;
  [field: string]: unknown;
}

/** What form the text is to have. */
export interface ResponseTextConfig {
  format?: ResponseFormatTextConfig;
  verbosity?: "low" | "medium" | "high" | null;
}
/** A JSON schema that the text is to follow. */
export interface ResponseFormatTextJSONSchemaConfig {
  name: string;
  schema: Record<string, unknown>;
  type: "json_schema";
  description?: string;
  strict?: boolean | null;
}
/** What form the text is to have. */
export type ResponseFormatTextConfig =
  | ResponseFormatText
  | ResponseFormatTextJSONSchemaConfig
  | ResponseFormatJSONObject;

/** A tool that the model may call. */
export interface Tool {
  type: string;
  [field: string]: unknown;
}
/** A function that the model may call. */
export interface FunctionTool extends Tool {
  type: "function";
  name: string;
  parameters: Record<string, unknown> | null;
  strict: boolean | null;
  description?: string | null;
}

/** A text that is said to the model. */
export interface ResponseInputText {
  text: string;
  type: "input_text";
}
/** A picture that is shown to the model. */
export interface ResponseInputImage {
  type: "input_image";
  detail: "low" | "high" | "auto" | "original";
  file_id?: string | null;
  image_url?: string | null;
}
/** A file that is given to the model. */
export interface ResponseInputFile {
  type: "input_file";
  file_data?: string;
  file_id?: string | null;
  file_url?: string;
  filename?: string;
}
/** A part of what is said to the model. */
export type ResponseInputContent = ResponseInputText | ResponseInputImage | ResponseInputFile;
/** What is said to the model, part by part. */
export type ResponseInputMessageContentList = ResponseInputContent[];
/** A turn, a call or what came of it. */
export interface ResponseInputItem {
  type?: string;
  role?: string;
  content?: unknown;
  [field: string]: unknown;
}
/** What somebody says. */
export interface EasyInputMessage extends ResponseInputItem {
  content: string | ResponseInputMessageContentList;
  role: "user" | "assistant" | "system" | "developer";
  type?: "message";
}
/** What is asked, turn by turn. */
export type ResponseInput = ResponseInputItem[];

/** How far a part of an answer is. */
export type ResponseItemStatus = "in_progress" | "completed" | "incomplete";
/** A text of the model's. */
export interface ResponseOutputText {
  annotations: { type: string; [field: string]: unknown }[];
  text: string;
  type: "output_text";
  [field: string]: unknown;
}
/** What the model said instead of an answer. */
export interface ResponseOutputRefusal {
  refusal: string;
  type: "refusal";
  [field: string]: unknown;
}
/** What the model said. */
export interface ResponseOutputMessage {
  id: string;
  content: (ResponseOutputText | ResponseOutputRefusal)[];
  role: "assistant";
  status: ResponseItemStatus;
  type: "message";
  [field: string]: unknown;
}
/** A function that the model wants to be called. */
export interface ResponseFunctionToolCall {
  /** JSON as the model wrote it. */
  arguments: string;
  call_id: string;
  name: string;
  type: "function_call";
  id?: string;
  status?: ResponseItemStatus;
  [field: string]: unknown;
}
/** A tool that takes text and that the model wants to be called. */
export interface ResponseCustomToolCall {
  call_id: string;
  input: string;
  name: string;
  type: "custom_tool_call";
  id?: string;
  [field: string]: unknown;
}
/** What the model thought. */
export interface ResponseReasoningItem {
  id: string;
  summary: { text: string; type: "summary_text" }[];
  type: "reasoning";
  content?: { text: string; type: "reasoning_text" }[];
  encrypted_content?: string | null;
  status?: ResponseItemStatus;
  [field: string]: unknown;
}
/** A tool that the server called or wants to be called, and what came of it. */
export interface ResponseServerToolItem {
  type:
    | "apply_patch_call"
    | "apply_patch_call_output"
    | "code_interpreter_call"
    | "compaction"
    | "computer_call"
    | "computer_call_output"
    | "custom_tool_call_output"
    | "file_search_call"
    | "function_call_output"
    | "image_generation_call"
    | "local_shell_call"
    | "local_shell_call_output"
    | "mcp_approval_request"
    | "mcp_approval_response"
    | "mcp_call"
    | "mcp_list_tools"
    | "shell_call"
    | "shell_call_output"
    | "tool_search_call"
    | "tool_search_output"
    | "web_search_call";
  id?: string;
  status?: string;
  [field: string]: unknown;
}
/** A part of an answer. */
export type ResponseOutputItem =
  | ResponseOutputMessage
  | ResponseFunctionToolCall
  | ResponseCustomToolCall
  | ResponseReasoningItem
  | ResponseServerToolItem;
/** What was said to the model, as the server keeps it. */
export interface ResponseInputMessageItem {
  id: string;
  content: ResponseInputMessageContentList;
  role: "user" | "system" | "developer";
  type: "message";
  status?: ResponseItemStatus;
  [field: string]: unknown;
}
/** What was said by either side, as the server keeps it. */
export type ResponseItem = ResponseInputMessageItem | ResponseOutputItem;

/** How far a response is. */
export type ResponseStatus = "completed" | "failed" | "in_progress" | "cancelled" | "queued" | "incomplete";
/** Why a response failed. */
export interface ResponseError {
  code: string;
  message: string;
}
/** Tokens that a response used. */
export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details?: { cached_tokens?: number };
  output_tokens: number;
  output_tokens_details?: { reasoning_tokens?: number };
  total_tokens: number;
}
/** An answer. */
export interface Response {
  id: string;
  created_at: number;
  /** The text of the whole answer. */
  output_text: string;
  error: ResponseError | null;
  incomplete_details: { reason?: string } | null;
  model: string;
  object: "response";
  output: ResponseOutputItem[];
  status?: ResponseStatus;
  usage?: ResponseUsage;
  [field: string]: unknown;
}

/** Which input of a response is wanted. */
export interface InputItemListParams {
  after?: string;
  include?: ResponseIncludable[];
  limit?: number;
  order?: "asc" | "desc";
}
/** What is to be counted. */
export type InputTokenCountParams = Omit<ResponseCreateParamsBase, "input" | "model" | "stream"> & {
  input?: string | ResponseInput | null;
  model?: string | null;
};
/** How many tokens a request would have. */
export interface InputTokenCountResponse {
  input_tokens: number;
  object: "response.input_tokens";
}
/** What is to be made shorter. */
export interface ResponseCompactParams {
  model: string | null;
  input?: string | ResponseInput | null;
  instructions?: string | null;
  previous_response_id?: string | null;
  prompt_cache_key?: string | null;
}
/** What stands for a conversation from now on. */
export interface CompactedResponse {
  id: string;
  created_at: number;
  object: "response.compaction";
  output: ResponseOutputItem[];
  usage: ResponseUsage;
}
