/** Tools that are functions: asked for by the model, called here, until it has what it wants. */

import { KneepointError } from "../../errors.ts";
import type { RequestOptions } from "../../resources/request.ts";
import type * as chat from "../../resources/types/chat.ts";
import type {
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
  ChatCompletionMessageToolCall,
} from "../../resources/types/message.ts";
import type { Conversation, ConversationEvents } from "./conversation.ts";

/** A conversation as the functions of its tools see it. */
export interface ToolRunner {
  /** What was asked and answered so far. What is added to it is part of the next request. */
  readonly messages: ChatCompletionMessageParam[];
  /** Takes the run back. */
  abort(): void;
}

/** A function that the model may call. */
export interface RunnableFunction<Args = never, Context = unknown> {
  /** Called with what `parse` made of the arguments, or else with their text. What it answers is told
   * to the model, as JSON unless it is text. */
  function: (args: Args, runner: ToolRunner, context: Context) => unknown;
  /** Makes of the arguments' text what the function takes. The model is told of what it throws. */
  parse?: ((text: string) => Args | Promise<Args>) | undefined;
  /** A JSON schema of the arguments. */
  parameters: object;
  /** What the function does, for the model. */
  description?: string | undefined;
  /** What the model calls it. Default: the function's name. */
  name?: string | undefined;
  /** Whether the arguments must fit the schema. */
  strict?: boolean | undefined;
}

/** A tool that is a function. */
export interface RunnableToolFunction<Args = never, Context = unknown> {
  type: "function";
  function: RunnableFunction<Args, Context>;
}

/** A tool whose function takes what its `parse` answers. */
export class ParsingToolFunction<Args extends object, Context = unknown> {
  readonly type = "function" as const;
  readonly function: RunnableFunction<Args, Context>;

  /** A tool of this function. */
  constructor(input: RunnableFunction<Args, Context>) {
    this.function = input;
  }
}

/** How a run of tools differs from other calls. */
export interface RunnerOptions extends RequestOptions {
  /** Completions at most. Default: 10. */
  maxChatCompletions?: number | undefined;
  /** Called, and waited for, after each completion and the calls that it asked for. */
  afterCompletion?:
    | ((completion: chat.ChatCompletion, runner: ToolRunner) => void | Promise<void>)
    | undefined;
}

/** What is asked of a chat model that may call functions. */
export type ToolRunnerParams<Context = unknown> = Omit<
  chat.ChatCompletionCreateParamsBase,
  "tools" | "stream"
> & {
  tools: readonly (RunnableToolFunction<never, Context> | chat.ChatCompletionTool)[];
  /** Handed to each function. */
  toolContext?: Context;
};

const COMPLETIONS_MAX = 10;

/** What helpers such as `zodFunction` leave on tools. */
interface Marked {
  $callback?: ((args: unknown) => unknown) | undefined;
  $parseRaw?(text: string): unknown;
}

type Functions = Map<string, RunnableFunction<unknown>>;

/** What calls of functions are answered with, all through a run. */
interface Toolbox {
  functions: Functions;
  /** Where one function must be called, its name: that is all that is wanted. */
  only: string | undefined;
  runner: ToolRunner;
  context: unknown;
}

/** What came of a call. */
interface Answer {
  message: ChatCompletionMessageParam;
  /** Whether the function was reached. */
  isCalled: boolean;
}

/** Talks until the model calls no more functions. `ask` sends a request and takes in its answer. */
export async function converse<T>(
  conversation: Conversation<ConversationEvents<T>, T>,
  params: ToolRunnerParams,
  { maxChatCompletions = COMPLETIONS_MAX, afterCompletion }: RunnerOptions,
  ask: (body: chat.ChatCompletionCreateParamsBase) => Promise<chat.ParsedChatCompletion<T>>,
): Promise<void> {
  const { tools: given, toolContext: context, tool_choice = "auto", ...rest } = params;
  const functions: Functions = new Map();
  const tools = given.map((tool) => described(tool, functions));
  const only = typeof tool_choice === "object" && tool_choice.type === "function" ? tool_choice.function.name : undefined;
  const toolbox: Toolbox = { functions, only, runner: conversation, context };
  const callAll = only !== undefined || params.parallel_tool_calls === false ? callInTurn : callAtOnce;
  const add = ({ message }: Answer): void => conversation._addMessage(message);
  conversation._ask(params.messages);
  for (let count = 0; count < maxChatCompletions; count += 1) {
    const messages = conversation.messages.map(asSent);
    const completion = await ask({ ...rest, tool_choice, tools, messages });
    const calls = completion.choices[0]?.message?.tool_calls ?? [];
    const ofFunctions = calls.filter((call) => call.type === "function");
    const isDone = calls.length === 0 || (await callAll(ofFunctions, toolbox, add));
    await afterCompletion?.(completion, conversation);
    if (isDone) return;
  }
}

/** One after another, until the one function that is wanted was called: whether it was. */
async function callInTurn(
  calls: readonly ChatCompletionMessageFunctionToolCall[],
  toolbox: Toolbox,
  add: (answer: Answer) => void,
): Promise<boolean> {
  for (const call of calls) {
    const answer = await answered(call, toolbox);
    add(answer);
    if (toolbox.only !== undefined && answer.isCalled) return true;
  }
  return false;
}

/** All at once, where no single function is wanted. */
async function callAtOnce(
  calls: readonly ChatCompletionMessageFunctionToolCall[],
  toolbox: Toolbox,
  add: (answer: Answer) => void,
): Promise<boolean> {
  const answers = calls.map((call) => answered(call, toolbox));
  // All are waited for, also where one fails: none may go on when the run is over.
  await Promise.allSettled(answers);
  (await Promise.all(answers)).forEach(add);
  return false;
}

async function answered(
  { id, function: { name, arguments: text } }: ChatCompletionMessageFunctionToolCall,
  { functions, only, runner, context }: Toolbox,
): Promise<Answer> {
  const telling = (content: string, isCalled: boolean): Answer => ({
    message: { role: "tool", tool_call_id: id, content },
    isCalled,
  });
  const called = functions.get(name);
  const quoted = JSON.stringify(name);
  if (called === undefined) {
    const names = [...functions.keys()].map((known) => JSON.stringify(known)).join(", ");
    return telling(`Invalid tool_call: ${quoted}. Available options are: ${names}. Please try again`, false);
  }
  if (only !== undefined && only !== name) {
    const wanted = JSON.stringify(only);
    return telling(`Invalid tool_call: ${quoted}. ${wanted} requested. Please try again`, false);
  }
  let args: unknown = text;
  try {
    if (called.parse !== undefined) args = await called.parse(text);
  } catch (error) {
    return telling(error instanceof Error ? error.message : String(error), false);
  }
  const content = await called.function(args, runner, context);
  return telling(typeof content === "string" ? content : (JSON.stringify(content) ?? "undefined"), true);
}

/** A tool as the model is told of it. Its function is noted under its name. */
function described(
  tool: RunnableToolFunction<never, never> | chat.ChatCompletionTool,
  functions: Functions,
): chat.ChatCompletionTool {
  if (tool.type !== "function") return tool;
  const { $callback, $parseRaw } = tool as Marked;
  const given = tool.function as unknown as RunnableFunction<unknown>;
  if ($parseRaw !== undefined && $callback === undefined) {
    throw new KneepointError(`the tool ${given.name ?? ""} has no function to be called`, {
      kind: "config",
      option: "tools",
    });
  }
  const own = { ...given, function: $callback, parse: $parseRaw } as RunnableFunction<unknown>;
  const called = $parseRaw === undefined ? given : own;
  const { description, parameters, strict } = called;
  const name = called.name || called.function.name;
  functions.set(name, called);
  return {
    type: "function",
    function: {
      name,
      parameters: parameters as Record<string, unknown>,
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

/** A message as servers take it: answers hold more than may be asked. */
function asSent(message: ChatCompletionMessageParam): ChatCompletionMessageParam {
  if (message.role !== "assistant") return message;
  const { audio, content, function_call, name, refusal, tool_calls } = message;
  return {
    role: "assistant",
    ...(audio ? { audio: { id: audio.id } } : {}),
    ...(content === undefined ? {} : { content }),
    ...(function_call ? { function_call } : {}),
    ...(name === undefined ? {} : { name }),
    ...(refusal ? { refusal } : {}),
    ...(tool_calls === undefined ? {} : { tool_calls: tool_calls.map(callAsSent) }),
  };
}

function callAsSent(call: ChatCompletionMessageToolCall): ChatCompletionMessageToolCall {
  if (call.type === "function") {
    const { id, type, function: called } = call;
    return { id, type, function: { arguments: called.arguments, name: called.name } };
  }
  const { id, type, custom } = call;
  return { id, type, custom: { input: custom.input, name: custom.name } };
}
