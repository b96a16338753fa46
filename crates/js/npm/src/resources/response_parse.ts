/** Responses whose texts are JSON, parsed; and their text as a whole. */

import { KneepointError } from "../errors.ts";
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

/** What a call for a response may say of how it is parsed, which is not sent. */
export interface ParseOptions {
  /** The format in place of the one that was asked for; `null` leaves the text as it is. */
  parseAs?: object | null | undefined;
}

/** How the response to a request is to be parsed: as the call says, else by the last format to which the
 * conversation in the request was changed, else by the request's own. */
export function parsingOf(
  { input, text, tools }: NonNullable<ResponseParams> & { input?: unknown },
  { parseAs }: ParseOptions = {},
): ResponseParams {
  const items = Array.isArray(input) ? (input as ({ type?: unknown; text?: { format?: Marked } } | null)[]) : [];
  const formats = items.map((item) => (item?.type === "configuration_update" ? item.text?.format : undefined));
  const changed = formats.filter((format) => typeof format?.type === "string").at(-1);
  if (parseAs != null && changed?.type === "text") {
    throw new KneepointError("parseAs: found a format beside an input that was changed to plain text, expected none", {
      kind: "config",
      option: "parseAs",
    });
  }
  const format = parseAs === undefined ? changed : parseAs;
  return { text: format === undefined ? text : { format }, tools };
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

/** The response with its texts and arguments parsed, where it is complete. */
export function parsedResponse<T>(response: Response, params: ResponseParams): ParsedResponse<T> {
  if (!Array.isArray(response?.output)) return response as ParsedResponse<T>;
  const isComplete = !response.status || response.status === "completed";
  const format = (params?.text as { format?: Marked | null } | undefined)?.format;
  const tools = (params?.tools ?? []) as Marked[];
  const textOf = (text: string): unknown => {
    if (!isComplete || format?.type !== "json_schema") return null;
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
