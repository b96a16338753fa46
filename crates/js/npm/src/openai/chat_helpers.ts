/** Chat completions with helpers: parsed answers, streams that put themselves together, tools. */

import * as plain from "../resources/chat.ts";
import { type APIPromise, unwrapped } from "../resources/promise.ts";
import type { RequestOptions } from "../resources/request.ts";
import { ChatCompletionStream, ChatCompletionStreamingRunner } from "./runner/chat_stream.ts";
import { keptBody, keptOptions } from "./runner/kept.ts";
import { type ParsedBy, parsed } from "./runner/parse.ts";
import { ChatCompletionRunner } from "./runner/tool_runner.ts";
import type { RunnerOptions, ToolRunnerParams } from "./runner/tools.ts";
import * as stored from "./stored.ts";
import type * as types from "../resources/types/chat.ts";

/** What is asked of a chat model for a stream with helpers. */
export type ChatCompletionStreamParams = Omit<types.ChatCompletionCreateParamsBase, "stream"> & {
  stream?: true;
};

/** What is asked of a chat model that may call functions. */
export type ChatCompletionToolRunnerParams<Context = unknown> = ToolRunnerParams<Context> & {
  stream?: false | null;
};

/** The same, for answers that are streamed. */
export type ChatCompletionStreamingToolRunnerParams<Context = unknown> = ToolRunnerParams<Context> & {
  stream: true;
};

/** Chat completions. */
export class Completions extends stored.Completions {
  /** Libraries name what they watch after its class, and bundlers number classes of one name. */
  static override readonly name = "Completions";

  /** Asks for JSON, and parses it. */
  parse<P extends types.ChatCompletionCreateParamsNonStreaming, T = ParsedBy<P>>(
    body: P,
    options?: RequestOptions,
  ): APIPromise<types.ParsedChatCompletion<T>> {
    return unwrapped(asked(this).create(body, options), (completion) => parsed<T>(completion, body));
  }

  /** Asks a chat model for a stream that puts the completion together. */
  stream<P extends ChatCompletionStreamParams, T = ParsedBy<P>>(
    body: P,
    options: RequestOptions = {},
  ): ChatCompletionStream<T> {
    const each = keptOptions(options);
    return ChatCompletionStream._of<T>(
      { ...keptBody(body), stream: true },
      async (request, signal) => asked(this).create(request, { ...each, signal }),
      options.signal,
    );
  }

  /** Asks a chat model, calls the functions that it wants to be called, and goes on until it wants none. */
  runTools<P extends ChatCompletionToolRunnerParams<never>, T = ParsedBy<P>>(
    body: P,
    options?: RunnerOptions,
  ): ChatCompletionRunner<T>;
  runTools<P extends ChatCompletionStreamingToolRunnerParams<never>, T = ParsedBy<P>>(
    body: P,
    options?: RunnerOptions,
  ): ChatCompletionStreamingRunner<T>;
  runTools<T>(
    body: ToolRunnerParams<never> & { stream?: boolean | null },
    options: RunnerOptions = {},
  ): ChatCompletionRunner<T> | ChatCompletionStreamingRunner<T> {
    const { maxChatCompletions: _, afterCompletion: __, ...each } = keptOptions(options);
    const { stream, ...params } = keptBody(body);
    return stream
      ? ChatCompletionStreamingRunner._with<T>(
          params as ToolRunnerParams,
          async (request, signal) => asked(this).create(request, { ...each, signal }),
          options,
        )
      : ChatCompletionRunner._with<T>(
          params as ToolRunnerParams,
          async (request, signal) => asked(this).create(request, { ...each, signal }),
          options,
        );
  }
}

/** Chat. */
export class Chat extends plain.Chat {
  static override readonly name = "Chat";
  /** The class of chat completions, for whoever patches it. */
  static readonly Completions = Completions;
  /** Chat completions. */
  override readonly completions: Completions = new Completions(this._client);
}

/** What helpers ask: the client's part, as in OpenAI's SDK. A library may have put a proxy before it, whose `create`
 * answers something else. */
function asked({ _client }: Completions): Completions {
  return (_client as unknown as { chat: Chat }).chat.completions;
}
