/** What is said to a chat model. */

/** A piece of text. */
export interface ChatCompletionContentPartText {
  text: string;
  type: "text";
}

/** A picture. */
export interface ChatCompletionContentPartImage {
  image_url: { url: string; detail?: "auto" | "low" | "high" | "original" };
  type: "image_url";
}

/** A recording. */
export interface ChatCompletionContentPartInputAudio {
  input_audio: { data: string; format: "wav" | "mp3" };
  type: "input_audio";
}

/** A file. */
export interface ChatCompletionContentPartFile {
  file: { file_data?: string; file_id?: string; filename?: string };
  type: "file";
}

/** What a model said instead of an answer. */
export interface ChatCompletionContentPartRefusal {
  refusal: string;
  type: "refusal";
}

/** A part of a message. */
export type ChatCompletionContentPart =
  | ChatCompletionContentPartText
  | ChatCompletionContentPartImage
  | ChatCompletionContentPartInputAudio
  | ChatCompletionContentPartFile;

/** What the developer says. */
export interface ChatCompletionDeveloperMessageParam {
  content: string | ChatCompletionContentPartText[];
  role: "developer";
  name?: string;
}

/** The same, as older models know it. */
export interface ChatCompletionSystemMessageParam {
  content: string | ChatCompletionContentPartText[];
  role: "system";
  name?: string;
}

/** What the user says. */
export interface ChatCompletionUserMessageParam {
  content: string | ChatCompletionContentPart[];
  role: "user";
  name?: string;
}

/** A call of a function that the model asks for. */
export interface ChatCompletionMessageFunctionToolCall {
  id: string;
  function: ChatCompletionMessageFunctionToolCall.Function;
  type: "function";
}

export declare namespace ChatCompletionMessageFunctionToolCall {
  /** The function and its arguments, which are JSON as the model wrote it. */
  interface Function {
    arguments: string;
    name: string;
  }
}

/** A call of a tool that takes text. */
export interface ChatCompletionMessageCustomToolCall {
  id: string;
  custom: { input: string; name: string };
  type: "custom";
}

/** A call of a tool that the model asks for. */
export type ChatCompletionMessageToolCall =
  | ChatCompletionMessageFunctionToolCall
  | ChatCompletionMessageCustomToolCall;

/** What the model said. */
export interface ChatCompletionAssistantMessageParam {
  role: "assistant";
  audio?: { id: string } | null;
  content?:
    | string
    | (ChatCompletionContentPartText | ChatCompletionContentPartRefusal)[]
    | null;
  function_call?: { arguments: string; name: string } | null;
  name?: string;
  refusal?: string | null;
  tool_calls?: ChatCompletionMessageToolCall[];
}

/** What a tool answered. */
export interface ChatCompletionToolMessageParam {
  content: string | ChatCompletionContentPartText[];
  role: "tool";
  tool_call_id: string;
}

/** What a function answered, before there were tools. */
export interface ChatCompletionFunctionMessageParam {
  content: string | null;
  name: string;
  role: "function";
}

/** A turn of the conversation. */
export type ChatCompletionMessageParam =
  | ChatCompletionDeveloperMessageParam
  | ChatCompletionSystemMessageParam
  | ChatCompletionUserMessageParam
  | ChatCompletionAssistantMessageParam
  | ChatCompletionToolMessageParam
  | ChatCompletionFunctionMessageParam;

/** Who says something. */
export type ChatCompletionRole =
  | "developer"
  | "system"
  | "user"
  | "assistant"
  | "tool"
  | "function";
