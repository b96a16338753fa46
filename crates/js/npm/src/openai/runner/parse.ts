/** Answers that are JSON, parsed. */

import { ContentFilterFinishReasonError, LengthFinishReasonError } from "../error.ts";
import type * as chat from "../../resources/types/chat.ts";
import type { ChatCompletionMessageToolCall } from "../../resources/types/message.ts";

/** Marks that helpers such as `zodResponseFormat` leave on formats and tools. */
interface Marked<T> {
  $parseRaw?(text: string): T;
}

/** What tells how an answer is to be parsed. */
export type Params = Pick<chat.ChatCompletionCreateParamsBase, "response_format" | "tools">;

/** What the content of an answer to these parameters is parsed to. */
export type ParsedBy<P> = P extends { response_format: { __output: infer Output } } ? Output : null;

/** Whether anything is to be parsed on the way. */
export function isParsed(params: Params | null): boolean {
  return (
    growsParsed(params) ||
    (params?.tools?.some((tool) => (tool as Marked<unknown>).$parseRaw !== undefined || isStrict(tool)) ?? false)
  );
}

/** Whether a stream's content is parsed while it grows: where there is a schema, whoever has marked it. */
export function growsParsed(params: Params | null): boolean {
  const format = params?.response_format;
  return format?.type === "json_schema" || (format as Marked<unknown> | undefined)?.$parseRaw !== undefined;
}

/** Whether a call's arguments are parsed while they grow. */
export function growsParsedArguments(name: string, params: Params | null): boolean {
  const tool = params?.tools?.find((one) => one.type === "function" && one.function.name === name);
  return tool !== undefined && ((tool as Marked<unknown>).$parseRaw !== undefined || isStrict(tool));
}

function isStrict(tool: chat.ChatCompletionTool): boolean {
  return tool.type === "function" && tool.function.strict === true;
}

/** The completion with its contents and arguments parsed. Those cut short are an error. */
export function parsed<T>(
  completion: chat.ChatCompletion,
  params: Params | null,
  demands = true,
): chat.ParsedChatCompletion<T> {
  const choices = completion.choices.map((choice) => {
    if (demands) checkFinish(choice.finish_reason);
    const { message } = choice;
    const { content, refusal } = message;
    const value = content && !refusal && demands ? parsedContent<T>(content, params) : null;
    const calls = message.tool_calls?.map((call) => (demands ? parsedCall(call, params) : call));
    return {
      ...choice,
      message: { ...message, parsed: value, ...(calls === undefined ? {} : { tool_calls: calls }) },
    };
  });
  return { ...completion, choices } as chat.ParsedChatCompletion<T>;
}

/** Refuses an answer that is known to be no whole JSON. */
export function checkFinish(reason: string | null): void {
  if (reason === "length") throw new LengthFinishReasonError();
  if (reason === "content_filter") throw new ContentFilterFinishReasonError();
}

/** What an answer's text means, where it is JSON of a schema. */
export function parsedContent<T>(content: string, params: Params | null): T | null {
  const format = params?.response_format;
  if (format?.type !== "json_schema") return null;
  const { $parseRaw } = format as Marked<T>;
  return $parseRaw === undefined ? (JSON.parse(content) as T) : $parseRaw(content);
}

/** What the arguments of a call mean, where the tool promises that they fit its schema. */
export function parsedArguments(name: string, text: string, params: Params | null): unknown {
  const tool = params?.tools?.find((one) => one.type === "function" && one.function.name === name);
  const { $parseRaw } = (tool ?? {}) as Marked<unknown>;
  if ($parseRaw !== undefined) return $parseRaw(text);
  return tool !== undefined && isStrict(tool) ? (JSON.parse(text) as unknown) : null;
}

function parsedCall(call: ChatCompletionMessageToolCall, params: Params | null): unknown {
  if (call.type !== "function") return call;
  const { name, arguments: text } = call.function;
  return {
    ...call,
    function: { ...call.function, parsed_arguments: parsedArguments(name, text, params) },
  };
}
