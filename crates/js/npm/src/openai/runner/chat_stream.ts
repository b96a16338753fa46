/** A streamed chat completion that puts itself together and tells of what it finds. */

import { APIUserAbortError, KneepointError } from "../../errors.ts";
import { Stream } from "../../resources/streaming.ts";
import type * as chat from "../../resources/types/chat.ts";
import { Conversation, type ConversationEvents } from "./conversation.ts";
import { type ChatCompletionSnapshot, finished, gather } from "./gather.ts";
import { checkFinish, isParsed, type Params, parsed, parsedArguments, parsedContent } from "./parse.ts";
import { converse, type RunnerOptions, type ToolRunnerParams } from "./tools.ts";

/** What a streamed chat completion tells. */
export interface ChatCompletionStreamEvents<T> extends ConversationEvents<T> {
  /** A chunk, and what there is with it. */
  chunk: (chunk: chat.ChatCompletionChunk, snapshot: ChatCompletionSnapshot) => void;
  /** New text, and all of it so far. */
  content: (delta: string, snapshot: string) => void;
  /** The same, with what it means so far where it is JSON of a format with a parser. */
  "content.delta": (event: { delta: string; snapshot: string; parsed: unknown }) => void;
  "content.done": (event: { content: string; parsed: T | null }) => void;
  "refusal.delta": (event: { delta: string; snapshot: string }) => void;
  "refusal.done": (event: { refusal: string }) => void;
  "tool_calls.function.arguments.delta": (event: {
    name: string;
    index: number;
    arguments: string;
    parsed_arguments: unknown;
    arguments_delta: string;
  }) => void;
  "tool_calls.function.arguments.done": (event: {
    name: string;
    index: number;
    arguments: string;
    parsed_arguments: unknown;
  }) => void;
  "logprobs.content.delta": (event: Logprobs & { snapshot: chat.ChatCompletionTokenLogprob[] }) => void;
  "logprobs.content.done": (event: Logprobs) => void;
  "logprobs.refusal.delta": (event: {
    refusal: chat.ChatCompletionTokenLogprob[];
    snapshot: chat.ChatCompletionTokenLogprob[];
  }) => void;
  "logprobs.refusal.done": (event: { refusal: chat.ChatCompletionTokenLogprob[] }) => void;
}

interface Logprobs {
  content: chat.ChatCompletionTokenLogprob[];
}

/** Sends a request whose answer is streamed. */
export type Opener = (
  body: chat.ChatCompletionCreateParamsStreaming,
  signal: AbortSignal,
) => Promise<Stream<chat.ChatCompletionChunk>>;

/** Where an answer stands. */
interface Progress {
  /** What has been told to be done. */
  readonly done: Set<"content" | "refusal" | "logprobs">;
  /** The call that grows. */
  call: number | undefined;
}

/** A streamed chat completion. */
export class ChatCompletionStream<T = null>
  extends Conversation<ChatCompletionStreamEvents<T>, T>
  implements AsyncIterable<chat.ChatCompletionChunk>
{
  /** What was asked; `null` where somebody else asked. */
  readonly #params: Params | null;
  readonly #isParsed: boolean;
  /** Whether an answer that was cut off is an error. */
  readonly #mustBeWhole: boolean;
  #progress: Progress[] = [];
  #snapshot: ChatCompletionSnapshot | undefined;

  /** @internal */
  constructor(params: Params | null, mustBeWhole = false) {
    super();
    this.#params = params;
    this.#isParsed = isParsed(params);
    this.#mustBeWhole = mustBeWhole || this.#isParsed;
  }

  /** Asks for one completion. @internal */
  static _of<T>(
    body: chat.ChatCompletionCreateParamsStreaming,
    open: Opener,
    signal: AbortSignal | null | undefined,
  ): ChatCompletionStream<T> {
    const stream = new ChatCompletionStream<T>(body);
    stream._heed(signal);
    stream._run(async () => {
      stream._ask(body.messages);
      await stream._complete(open, body);
    });
    return stream;
  }

  /** The completions whose chunks somebody else's `toReadableStream` has sent. */
  static fromReadableStream(stream: ReadableStream): ChatCompletionStream<null> {
    const reading = new ChatCompletionStream<null>(null);
    reading._run(async () => {
      await reading.#read(Stream.fromReadableStream(stream, reading.controller));
    });
    return reading;
  }

  /** What there is so far. */
  get currentChatCompletionSnapshot(): ChatCompletionSnapshot | undefined {
    return this.#snapshot;
  }

  /** The chunks from here on. */
  [Symbol.asyncIterator](): AsyncIterator<chat.ChatCompletionChunk> {
    const chunks = this.events("chunk");
    const only = (
      result: IteratorResult<[chat.ChatCompletionChunk, ChatCompletionSnapshot]>,
    ): IteratorResult<chat.ChatCompletionChunk> =>
      result.done ? { value: undefined, done: true } : { value: result.value[0], done: false };
    return {
      next: async () => only(await chunks.next()),
      return: async () => {
        this.abort();
        return { value: undefined, done: true };
      },
    };
  }

  /** The chunks as JSON, one in each line. {@link fromReadableStream} reads it. */
  toReadableStream(): ReadableStream {
    return new Stream(() => this[Symbol.asyncIterator](), this.controller).toReadableStream();
  }

  /** Asks for a completion, and takes it in. @internal */
  async _complete(
    open: Opener,
    body: chat.ChatCompletionCreateParamsBase,
  ): Promise<chat.ParsedChatCompletion<T>> {
    const stream = await open({ ...body, stream: true }, this.controller.signal);
    return this.#read(stream);
  }

  async #read(stream: Stream<chat.ChatCompletionChunk>): Promise<chat.ParsedChatCompletion<T>> {
    this._emit("connect");
    let id: string | undefined;
    for await (const chunk of stream) {
      // What somebody else has sent on may be several answers, one after the other.
      if (id && chunk.id && chunk.id !== id) this.#end();
      this.#add(chunk);
      id = chunk.id || id;
    }
    if (stream.controller.signal.aborted) throw new APIUserAbortError();
    return this.#end();
  }

  #end(): chat.ParsedChatCompletion<T> {
    if (this.#snapshot === undefined) {
      throw new KneepointError("this stream ended without a chunk", { kind: "truncated" });
    }
    const completion = parsed<T>(finished(this.#snapshot), this.#params, this.#isParsed);
    this.#snapshot = undefined;
    this.#progress = [];
    this._addCompletion(completion);
    return completion;
  }

  #add(chunk: chat.ChatCompletionChunk): void {
    const snapshot = gather(this.#snapshot, chunk, this.#params);
    this.#snapshot = snapshot;
    const parts = chunk.choices ?? [];
    if (this.#mustBeWhole) for (const { finish_reason } of parts) checkFinish(finish_reason);
    this._emit("chunk", chunk, snapshot);
    for (const part of parts) this.#tell(part, snapshot.choices[part.index] as ChatCompletionSnapshot.Choice);
  }

  #tell(part: chat.ChatCompletionChunk.Choice, choice: ChatCompletionSnapshot.Choice): void {
    const { delta, logprobs } = part;
    const { content, refusal } = choice.message;
    const progress = (this.#progress[part.index] ??= { done: new Set(), call: undefined });
    if (delta?.content != null && content) {
      this._emit("content", delta.content, content);
      const { message } = choice;
      this._emit("content.delta", {
        delta: delta.content,
        snapshot: content,
        // Most listeners do not look, and to find out takes as long as the text.
        get parsed() {
          return message.parsed;
        },
      });
    }
    if (delta?.refusal != null && refusal) {
      this._emit("refusal.delta", { delta: delta.refusal, snapshot: refusal });
    }
    if (logprobs?.content) {
      const snapshot = choice.logprobs?.content ?? [];
      this._emit("logprobs.content.delta", { content: logprobs.content, snapshot });
    }
    if (logprobs?.refusal) {
      const snapshot = choice.logprobs?.refusal ?? [];
      this._emit("logprobs.refusal.delta", { refusal: logprobs.refusal, snapshot });
    }
    if (choice.finish_reason) this.#tellDone(choice, progress);
    if (delta?.tool_calls) this.#tellCalls(delta.tool_calls, choice, progress);
  }

  #tellCalls(
    pieces: readonly chat.ChatCompletionChunk.Choice.Delta.ToolCall[],
    choice: ChatCompletionSnapshot.Choice,
    progress: Progress,
  ): void {
    for (const { index, function: piece } of pieces) {
      if (progress.call !== index) this.#tellDone(choice, progress);
      progress.call = index;
      const called = choice.message.tool_calls?.[index]?.function;
      if (called === undefined) continue;
      this._emit("tool_calls.function.arguments.delta", {
        name: called.name,
        index,
        arguments: called.arguments,
        get parsed_arguments() {
          return called.parsed_arguments;
        },
        arguments_delta: piece?.arguments ?? "",
      });
    }
  }

  /** Tells of what was growing and will not any more. */
  #tellDone({ message, logprobs }: ChatCompletionSnapshot.Choice, progress: Progress): void {
    const { content, refusal, tool_calls } = message;
    const isNew = (name: "content" | "refusal" | "logprobs"): boolean =>
      !progress.done.has(name) && Boolean(progress.done.add(name));
    if (content && isNew("content")) {
      const value = this.#isParsed ? parsedContent<T>(content, this.#params) : null;
      this._emit("content.done", { content, parsed: value });
    }
    if (refusal && isNew("refusal")) this._emit("refusal.done", { refusal });
    if (logprobs && isNew("logprobs")) {
      if (logprobs.content) this._emit("logprobs.content.done", { content: logprobs.content });
      if (logprobs.refusal) this._emit("logprobs.refusal.done", { refusal: logprobs.refusal });
    }
    const index = progress.call;
    const called = index === undefined ? undefined : tool_calls?.[index]?.function;
    if (index === undefined || called === undefined) return;
    progress.call = undefined;
    const { name, arguments: text } = called;
    const parsed_arguments = parsedArguments(name, text, this.#params);
    this._emit("tool_calls.function.arguments.done", { name, index, arguments: text, parsed_arguments });
  }
}

/** Streamed completions, and the calls of functions between them. */
export class ChatCompletionStreamingRunner<T = null> extends ChatCompletionStream<T> {
  /** Begins to talk. @internal */
  static _with<T>(params: ToolRunnerParams, open: Opener, options: RunnerOptions): ChatCompletionStreamingRunner<T> {
    // A function must not be called with half of its arguments.
    const runner = new ChatCompletionStreamingRunner<T>(params as object as Params, true);
    runner._heed(options.signal);
    runner._run(() => converse<T>(asPlain(runner), params, options, (body) => runner._complete(open, body)));
    return runner;
  }
}

/** A conversation that tells of more is one that tells of less. */
function asPlain<T>(runner: ChatCompletionStream<T>): Conversation<ConversationEvents<T>, T> {
  return runner as unknown as Conversation<ConversationEvents<T>, T>;
}
