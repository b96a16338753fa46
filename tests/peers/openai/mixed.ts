// Programs in which a library has `openai`'s types and the client is the drop-in, which stands behind "sdk".
import type OpenAI from "openai";
import Ours from "sdk";

declare const ours: Ours;

/** What was typed for `openai` is asked of the drop-in. */
export const asks = {
  chat: (body: OpenAI.ChatCompletionCreateParamsNonStreaming) => ours.chat.completions.create(body),
  stream: (body: OpenAI.ChatCompletionCreateParamsStreaming) => ours.chat.completions.create(body),
  completion: (body: OpenAI.CompletionCreateParamsNonStreaming) => ours.completions.create(body),
  embeddings: (body: OpenAI.EmbeddingCreateParams) => ours.embeddings.create(body),
  moderations: (body: OpenAI.ModerationCreateParams) => ours.moderations.create(body),
  response: (input: OpenAI.Responses.ResponseInput, tools: OpenAI.Responses.Tool[], reasoning: OpenAI.Reasoning) =>
    ours.responses.create({ model: "m", input, tools, reasoning }),
};

/** What the drop-in says is handed to what was typed for `openai`. */
export const answers = {
  chat: (value: Ours.ChatCompletion): OpenAI.ChatCompletion => value,
  chunk: (value: Ours.ChatCompletionChunk): OpenAI.ChatCompletionChunk => value,
  message: (value: Ours.ChatCompletionMessage): OpenAI.ChatCompletionMessageParam => value,
  asked: (value: Ours.ChatCompletionMessageParam): OpenAI.ChatCompletionMessageParam => value,
  tool: (value: Ours.ChatCompletionTool): OpenAI.ChatCompletionTool => value,
  usage: (value: Ours.CompletionUsage): OpenAI.CompletionUsage => value,
  embeddings: (value: Ours.CreateEmbeddingResponse): OpenAI.CreateEmbeddingResponse => value,
  model: (value: Ours.Model): OpenAI.Model => value,
};
