/** The events of a streamed response. */

import type {
  Response,
  ResponseOutputItem,
  ResponseOutputRefusal,
  ResponseOutputText,
} from "./responses.ts";

/** What events have in common, and what they may have. */
export interface ResponseEvent {
  type: string;
  sequence_number: number;
  delta?: string;
  response?: Response;
  item?: ResponseOutputItem;
  item_id?: string;
  output_index?: number;
  content_index?: number;
  [field: string]: unknown;
}

/** An event of a part of an answer. */
interface Placed extends ResponseEvent {
  item_id: string;
  output_index: number;
}

/** How a response fares. */
interface Whole extends ResponseEvent {
  response: Response;
}
/** A response begins. */
export interface ResponseCreatedEvent extends Whole {
  type: "response.created";
}
/** A response waits for its turn. */
export interface ResponseQueuedEvent extends Whole {
  type: "response.queued";
}
/** A response is made. */
export interface ResponseInProgressEvent extends Whole {
  type: "response.in_progress";
}
/** A response is whole. */
export interface ResponseCompletedEvent extends Whole {
  type: "response.completed";
}
/** A response was cut. */
export interface ResponseIncompleteEvent extends Whole {
  type: "response.incomplete";
}
/** A response failed. */
export interface ResponseFailedEvent extends Whole {
  type: "response.failed";
}

/** A part of an answer begins. */
export interface ResponseOutputItemAddedEvent extends ResponseEvent {
  type: "response.output_item.added";
  item: ResponseOutputItem;
  output_index: number;
}
/** A part of an answer is done. */
export interface ResponseOutputItemDoneEvent extends ResponseEvent {
  type: "response.output_item.done";
  item: ResponseOutputItem;
  output_index: number;
}
/** A part of a message begins. */
export interface ResponseContentPartAddedEvent extends Placed {
  type: "response.content_part.added";
  content_index: number;
  part: ResponseOutputText | ResponseOutputRefusal | { text: string; type: "reasoning_text" };
}
/** A part of a message is done. */
export interface ResponseContentPartDoneEvent extends Placed {
  type: "response.content_part.done";
  content_index: number;
  part: ResponseOutputText | ResponseOutputRefusal | { text: string; type: "reasoning_text" };
}

/** A text grows. */
export interface ResponseTextDeltaEvent extends Placed {
  type: "response.output_text.delta";
  content_index: number;
  delta: string;
}
/** A text is done. */
export interface ResponseTextDoneEvent extends Placed {
  type: "response.output_text.done";
  content_index: number;
  text: string;
}
/** A text has a source or a file. */
export interface ResponseOutputTextAnnotationAddedEvent extends Placed {
  type: "response.output_text.annotation.added";
  annotation: unknown;
  annotation_index: number;
  content_index: number;
}
/** A refusal grows. */
export interface ResponseRefusalDeltaEvent extends Placed {
  type: "response.refusal.delta";
  content_index: number;
  delta: string;
}
/** A refusal is done. */
export interface ResponseRefusalDoneEvent extends Placed {
  type: "response.refusal.done";
  content_index: number;
  refusal: string;
}
/** What the model thinks. */
export interface ResponseReasoningTextDeltaEvent extends Placed {
  type: "response.reasoning_text.delta";
  content_index: number;
  delta: string;
}
/** What the model thought. */
export interface ResponseReasoningTextDoneEvent extends Placed {
  type: "response.reasoning_text.done";
  content_index: number;
  text: string;
}
/** What the model thinks, in short. */
export interface ResponseReasoningSummaryTextDeltaEvent extends Placed {
  type: "response.reasoning_summary_text.delta";
  delta: string;
  summary_index: number;
}
/** What the model thought, in short. */
export interface ResponseReasoningSummaryTextDoneEvent extends Placed {
  type: "response.reasoning_summary_text.done";
  summary_index: number;
  text: string;
}

/** The arguments of a function grow. */
export interface ResponseFunctionCallArgumentsDeltaEvent extends Placed {
  type: "response.function_call_arguments.delta";
  delta: string;
}
/** The arguments of a function are done. */
export interface ResponseFunctionCallArgumentsDoneEvent extends Placed {
  type: "response.function_call_arguments.done";
  arguments: string;
  name: string;
}
/** The text for a tool grows. */
export interface ResponseCustomToolCallInputDeltaEvent extends Placed {
  type: "response.custom_tool_call_input.delta";
  delta: string;
}
/** The text for a tool is done. */
export interface ResponseCustomToolCallInputDoneEvent extends Placed {
  type: "response.custom_tool_call_input.done";
  input: string;
}

/** How a tool fares that the server calls. */
export interface ResponseServerToolEvent extends ResponseEvent {
  type:
    | `response.code_interpreter_call.${"in_progress" | "interpreting" | "completed"}`
    | `response.code_interpreter_call_code.${"delta" | "done"}`
    | `response.file_search_call.${"in_progress" | "searching" | "completed"}`
    | `response.image_generation_call.${"in_progress" | "generating" | "partial_image" | "completed"}`
    | `response.mcp_call.${"in_progress" | "completed" | "failed"}`
    | `response.mcp_call_arguments.${"delta" | "done"}`
    | `response.mcp_list_tools.${"in_progress" | "completed" | "failed"}`
    | `response.reasoning_summary_part.${"added" | "done"}`
    | `response.web_search_call.${"in_progress" | "searching" | "completed"}`;
}
/** Something went wrong. */
export interface ResponseErrorEvent extends ResponseEvent {
  type: "error";
  code: string | null;
  message: string;
  param: string | null;
}

/** An event of a streamed response. */
export type ResponseStreamEvent =
  | ResponseCreatedEvent
  | ResponseQueuedEvent
  | ResponseInProgressEvent
  | ResponseCompletedEvent
  | ResponseIncompleteEvent
  | ResponseFailedEvent
  | ResponseOutputItemAddedEvent
  | ResponseOutputItemDoneEvent
  | ResponseContentPartAddedEvent
  | ResponseContentPartDoneEvent
  | ResponseTextDeltaEvent
  | ResponseTextDoneEvent
  | ResponseOutputTextAnnotationAddedEvent
  | ResponseRefusalDeltaEvent
  | ResponseRefusalDoneEvent
  | ResponseReasoningTextDeltaEvent
  | ResponseReasoningTextDoneEvent
  | ResponseReasoningSummaryTextDeltaEvent
  | ResponseReasoningSummaryTextDoneEvent
  | ResponseFunctionCallArgumentsDeltaEvent
  | ResponseFunctionCallArgumentsDoneEvent
  | ResponseCustomToolCallInputDeltaEvent
  | ResponseCustomToolCallInputDoneEvent
  | ResponseServerToolEvent
  | ResponseErrorEvent;
