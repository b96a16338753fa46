/** Puts a chat completion together from its chunks. Pure. */

import { KneepointError } from "../../errors.ts";
import type * as chat from "../types/chat.ts";

type Plain = Record<string, unknown>;

/** A completion that is still growing: whatever may be missing, is. */
export interface ChatCompletionSnapshot extends Omit<chat.ChatCompletionChunk, "choices" | "object"> {
  choices: ChatCompletionSnapshot.Choice[];
  object: string;
}

export declare namespace ChatCompletionSnapshot {
  /** An answer that is still growing. */
  interface Choice {
    index: number;
    finish_reason: chat.ChatCompletionFinishReason | null;
    logprobs: chat.ChatCompletionLogprobs | null;
    message: Message;
  }
  /** A message that is still growing. */
  interface Message {
    content?: string | null;
    refusal?: string | null;
    role?: string;
    function_call?: { name?: string; arguments?: string };
    tool_calls?: ToolCall[];
    parsed?: unknown;
  }
  /** A call that is still growing. */
  interface ToolCall {
    id?: string;
    type?: string;
    function?: { name: string; arguments: string };
  }
}

/** Adds a chunk to what there is. Fields that nobody knows are kept as they last came. */
export function gather(
  snapshot: ChatCompletionSnapshot | undefined,
  chunk: chat.ChatCompletionChunk,
): ChatCompletionSnapshot {
  const { choices, ...rest } = chunk;
  const whole = snapshot ?? { ...rest, choices: [] };
  if (snapshot !== undefined) Object.assign(whole, rest);
  for (const { delta, logprobs, index, finish_reason, ...more } of choices ?? []) {
    const choice = (whole.choices[index] ??= {
      index,
      finish_reason: null,
      logprobs: null,
      message: {},
    });
    Object.assign(choice, more);
    if (finish_reason) choice.finish_reason = finish_reason;
    if (logprobs) choice.logprobs = grown(choice.logprobs, logprobs);
    if (delta) addDelta(choice.message, delta);
  }
  return whole;
}

function grown(
  before: chat.ChatCompletionLogprobs | null,
  more: chat.ChatCompletionLogprobs,
): chat.ChatCompletionLogprobs {
  const both = <T>(first: T[] | null | undefined, second: T[] | null | undefined): T[] | null =>
    first || second ? [...(first ?? []), ...(second ?? [])] : null;
  return {
    ...more,
    content: both(before?.content, more.content),
    refusal: both(before?.refusal, more.refusal),
  };
}

function addDelta(
  message: ChatCompletionSnapshot.Message,
  delta: chat.ChatCompletionChunk.Choice.Delta,
): void {
  const { content, refusal, role, function_call, tool_calls, ...rest } = delta;
  for (const [name, value] of Object.entries(rest as Plain)) addField(message as Plain, name, value);
  if (role) message.role = role;
  if (content) message.content = (message.content ?? "") + content;
  if (refusal) message.refusal = (message.refusal ?? "") + refusal;
  if (function_call) {
    const call = (message.function_call ??= {});
    if (function_call.name) call.name = function_call.name;
    call.arguments = (call.arguments ?? "") + (function_call.arguments ?? "");
  }
  for (const { index, id, type, function: called, ...more } of tool_calls ?? []) {
    const calls = (message.tool_calls ??= []);
    const call = (calls[index] ??= {});
    Object.assign(call, more);
    if (id) call.id = id;
    if (type) call.type = type;
    if (!called) continue;
    const target = (call.function ??= { name: "", arguments: "" });
    if (called.name) target.name = called.name;
    target.arguments += called.arguments ?? "";
  }
}

/** Texts under the names that reasoning goes by grow; everything else is replaced. */
function addField(message: Plain, name: string, value: unknown): void {
  const before = message[name];
  const grows = name === "reasoning_content" || name === "reasoning";
  const isText = typeof before === "string" && typeof value === "string";
  message[name] = grows && isText ? before + value : value;
}

/** The completion that has come to its end. */
export function finished(snapshot: ChatCompletionSnapshot): chat.ChatCompletion {
  const choices = snapshot.choices.map(({ message, finish_reason, ...choice }) => {
    if (!finish_reason) {
      throw new KneepointError(`choice ${choice.index} has not come to its end`, { kind: "truncated" });
    }
    const calls = message.tool_calls && { tool_calls: message.tool_calls.filter(() => true) };
    const { content = null, refusal = null, role = "assistant" } = message;
    return { ...choice, finish_reason, message: { ...message, role, content, refusal, ...calls } };
  });
  return { ...snapshot, choices, object: "chat.completion" } as chat.ChatCompletion;
}
