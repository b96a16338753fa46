/** Puts a response together from its events. Pure. */

import { KneepointError } from "../../errors.ts";
import type { ResponseEvent } from "../../resources/types/response_events.ts";
import type { Response, ResponseOutputItem } from "../../resources/types/responses.ts";
import { placeOf } from "./place.ts";

type Plain = Record<string, unknown>;

/** The lists of an item that hold its parts. */
type List = "content" | "summary";

/** What grows under which events: the list in the item that holds it, if one does, and the field. */
const GROWING = new Map<string, readonly [list: List | undefined, field: string]>([
  ["output_text", ["content", "text"]],
  ["refusal", ["content", "refusal"]],
  ["reasoning_text", ["content", "text"]],
  ["reasoning_summary_text", ["summary", "text"]],
  ["function_call_arguments", [undefined, "arguments"]],
  ["mcp_call_arguments", [undefined, "arguments"]],
  ["custom_tool_call_input", [undefined, "input"]],
  ["code_interpreter_call_code", [undefined, "code"]],
]);

/** The parts that items are made of, and the list that holds them. */
const PARTS = new Map<string, List>([
  ["content_part", "content"],
  ["reasoning_summary_part", "summary"],
]);

/** Adds an event to what there is. What nobody knows changes nothing. */
export function gatherResponse(snapshot: Response | undefined, event: ResponseEvent): Response {
  // Nobody but us may change what is gathered here.
  if (event.response) return structuredClone(event.response);
  if (snapshot === undefined) {
    throw new KneepointError(`a response cannot begin with ${event.type}`, { kind: "answer" });
  }
  const [, what = "", how = ""] = /^response\.(\w+)\.(\w+)$/.exec(event.type) ?? [];
  if (what === "output_item") {
    snapshot.output[placeOf("output", event.output_index)] = structuredClone(event.item as ResponseOutputItem);
  }
  // Tools that the server runs tell how far they are.
  if (what.endsWith("_call") && itemOf(snapshot, event)["type"] === what) itemOf(snapshot, event)["status"] = how;
  const parts = PARTS.get(what);
  if (parts !== undefined) {
    const list = (itemOf(snapshot, event)[parts] ??= []) as unknown[];
    list[indexIn(parts, event)] = structuredClone(event["part"]);
  }
  const growing = GROWING.get(what);
  if (growing !== undefined) {
    const [list, field] = growing;
    const target = list === undefined ? itemOf(snapshot, event) : partOf(snapshot, event, list);
    if (how === "delta") target[field] = String(target[field] ?? "") + event.delta;
    else if (event[field] !== undefined) target[field] = event[field];
  }
  if (event.type === "response.output_text.annotation.added") {
    const part = partOf(snapshot, event, "content");
    const annotations = (part["annotations"] ??= []) as unknown[];
    annotations[placeOf("annotation", event["annotation_index"])] = event["annotation"];
  }
  return snapshot;
}

/** What has grown so far where this event adds to it; nothing where it is of another kind. */
export function grownBy(snapshot: Response, event: ResponseEvent): string | undefined {
  const [, what = ""] = /^response\.(\w+)\.delta$/.exec(event.type) ?? [];
  if (what === "output_text") return String(partOf(snapshot, event, "content")["text"]);
  return what === "function_call_arguments" ? String(itemOf(snapshot, event)["arguments"]) : undefined;
}

function itemOf(snapshot: Response, event: ResponseEvent): Plain {
  const item = snapshot.output[placeOf("output", event.output_index)];
  if (item !== undefined) return item;
  throw new KneepointError(`${event.type} adds to output ${event.output_index}, which has not begun`, {
    kind: "answer",
  });
}

function partOf(snapshot: Response, event: ResponseEvent, list: List): Plain {
  const at = indexIn(list, event);
  const part = (itemOf(snapshot, event)[list] as Plain[] | undefined)?.[at];
  if (part !== undefined) return part;
  throw new KneepointError(`${event.type} adds to part ${at} of output ${event.output_index}, which has not begun`, {
    kind: "answer",
  });
}

function indexIn(list: List, event: ResponseEvent): number {
  return placeOf(list, event[`${list}_index`]);
}
