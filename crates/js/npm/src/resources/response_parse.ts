/** Responses whose texts are JSON, parsed; and their text as a whole. */

import type { Response, ResponseCreateParamsBase, ResponseOutputItem } from "./types/responses.ts";

/** A response whose content has been parsed. */
export interface ParsedResponse<T> extends Response {
  /** What the first text that is JSON of the format means. */
  output_parsed: T | null;
}

/** What the text of a response to these parameters is parsed to. */
export type ParsedResponseBy<P> = P extends { text?: { format?: { __output: infer Output } } } ? Output : null;

/** What tells how a response is to be parsed. */
export type ResponseParams = {
  text?: object | undefined;
  tools?: ResponseCreateParamsBase["tools"] | undefined;
} | null;

/** What helpers such as `zodTextFormat` leave on formats and tools. */
interface Marked {
  type?: string;
  name?: unknown;
  strict?: unknown;
  defer_loading?: unknown;
  /** Those of a namespace. */
  tools?: Marked[];
  $parseRaw?(text: string): unknown;
}

/** Adds the text of the whole answer, which servers do not send. */
export function withText<R extends Response>(response: R): R {
  if (response?.object !== "response" || !Array.isArray(response.output)) return response;
  let text = "";
  for (const item of response.output) {
    if (item.type !== "message") continue;
    for (const part of item.content ?? []) if (part.type === "output_text") text += part.text;
  }
  response.output_text = text;
  return response;
}

/** The response with its texts and arguments parsed, where it is complete. A schema without a parser of its own
 * is JSON to those who ask for it to be parsed, and text to others. */
export function parsedResponse<T>(
  response: Response,
  params: ResponseParams,
  demands = false,
): ParsedResponse<T> {
  if (!Array.isArray(response?.output)) return response as ParsedResponse<T>;
  const isComplete = !response.status || response.status === "completed";
  const format = (params?.text as { format?: Marked } | undefined)?.format;
  const tools = (params?.tools ?? []) as Marked[];
  const hasParser = (tool: Marked): unknown => tool.$parseRaw ?? (tool.strict === true || tool.tools?.some(hasParser));
  const asks = demands || format?.$parseRaw !== undefined || tools.some(hasParser);
  const textOf = (text: string): unknown => {
    if (!asks || !isComplete || format?.type !== "json_schema") return null;
    return format.$parseRaw === undefined ? JSON.parse(text) : format.$parseRaw(text);
  };
  const output = response.output.map((item): ResponseOutputItem => {
    if (item.type === "function_call") {
      const text = isComplete ? item.arguments : undefined;
      return { ...item, parsed_arguments: argumentsOf(toolOf(item, tools), text) };
    }
    if (item.type !== "message") return item;
    // What is said on the way to the answer is text.
    const isFinal = item["phase"] == null || item["phase"] === "final_answer";
    const content = item.content?.map((part) =>
      part.type === "output_text" ? { ...part, parsed: isFinal ? textOf(part.text ?? "") : null } : part,
    );
    return { ...item, ...(content === undefined ? {} : { content }) };
  });
  const texts = output.flatMap((item) => (item.type === "message" ? (item.content ?? []) : []));
  const first = texts.find((part) => part["parsed"] != null);
  return withText({ ...response, output, output_parsed: (first?.["parsed"] ?? null) as T | null });
}

/** The tool that is called: of no namespace, of one, or one that was found under its own name. */
function toolOf(call: ResponseOutputItem, tools: readonly Marked[]): Marked | undefined {
  const { name, namespace } = call as { name?: unknown; namespace?: unknown };
  const named = (of: readonly Marked[]) => of.find((tool) => tool.type === "function" && tool.name === name);
  if (namespace == null) return named(tools);
  const space = tools.find((tool) => tool.type === "namespace" && tool.name === namespace);
  if (space !== undefined) return named(space.tools ?? []);
  return named(namespace === name ? tools.filter((tool) => tool.defer_loading === true) : []);
}

function argumentsOf(tool: Marked | undefined, text: string | undefined): unknown {
  if (tool === undefined || text === undefined) return null;
  if (tool.$parseRaw !== undefined) return tool.$parseRaw(text);
  return tool.strict === true ? (JSON.parse(text) as unknown) : null;
}
