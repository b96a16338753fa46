/** Moderations, pictures and batches. */

import type { CursorPageParams } from "../cursor_page.ts";
import type { Metadata } from "../../resources/types/shared.ts";

/** A text that is judged. */
export interface ModerationTextInput {
  text: string;
  type: "text";
}
/** A picture that is judged. */
export interface ModerationImageURLInput {
  image_url: { url: string };
  type: "image_url";
}
/** What is judged. */
export type ModerationMultiModalInput = ModerationTextInput | ModerationImageURLInput;
/** A model's name. */
export type ModerationModel = string;
/** What is asked of a moderation model. */
export interface ModerationCreateParams {
  input: string | string[] | ModerationMultiModalInput[];
  model?: ModerationModel;
}
/** Ways to be harmful. */
export type ModerationCategory =
  | "harassment"
  | "harassment/threatening"
  | "hate"
  | "hate/threatening"
  | "illicit"
  | "illicit/violent"
  | "self-harm"
  | "self-harm/instructions"
  | "self-harm/intent"
  | "sexual"
  | "sexual/minors"
  | "violence"
  | "violence/graphic";
/** A judgement. */
export interface Moderation {
  categories: Record<ModerationCategory, boolean>;
  category_applied_input_types: Record<ModerationCategory, ("text" | "image")[]>;
  category_scores: Record<ModerationCategory, number>;
  flagged: boolean;
}
/** A judgement for each input. */
export interface ModerationCreateResponse {
  id: string;
  model: string;
  results: Moderation[];
}

/** A model's name. */
export type ImageModel = string;
/** What is asked of a model that makes pictures. */
export interface ImageGenerateParamsBase {
  prompt: string;
  background?: "transparent" | "opaque" | "auto" | null;
  model?: ImageModel | null;
  moderation?: "low" | "auto" | null;
  n?: number | null;
  output_compression?: number | null;
  output_format?: "png" | "jpeg" | "webp" | "gif" | "svg" | null;
  partial_images?: number | null;
  quality?: "standard" | "hd" | "low" | "medium" | "high" | "xhigh" | "max" | "auto" | null;
  response_format?: "url" | "b64_json" | null;
  size?: string | null;
  stream?: boolean | null;
  style?: "vivid" | "natural" | null;
  user?: string;
}
/** The pictures are wanted whole. */
export interface ImageGenerateParamsNonStreaming extends ImageGenerateParamsBase {
  stream?: false | null;
}
/** The pictures are wanted while they are made. */
export interface ImageGenerateParamsStreaming extends ImageGenerateParamsBase {
  stream: true;
}
/** What is asked of a model that makes pictures. */
export type ImageGenerateParams = ImageGenerateParamsNonStreaming | ImageGenerateParamsStreaming;
/** A picture. */
export interface Image {
  b64_json?: string;
  revised_prompt?: string;
  url?: string;
}
/** Tokens that pictures used. */
export interface ImageUsage {
  input_tokens: number;
  input_tokens_details: { image_tokens: number; text_tokens: number };
  output_tokens: number;
  total_tokens: number;
}
/** Pictures. */
export interface ImagesResponse {
  created: number;
  background?: "transparent" | "opaque";
  data?: Image[];
  output_format?: "png" | "webp" | "jpeg" | "gif" | "svg";
  quality?: "low" | "medium" | "high" | "xhigh" | "max";
  size?: string;
  usage?: ImageUsage;
}
/** What every event of a picture tells. */
interface ImageGenEvent {
  b64_json: string;
  background: "transparent" | "opaque" | "auto";
  created_at: number;
  output_format: "png" | "webp" | "jpeg";
  quality: "low" | "medium" | "high" | "xhigh" | "max" | "auto";
  size: string;
}
/** A picture that is not done yet. */
export interface ImageGenPartialImageEvent extends ImageGenEvent {
  partial_image_index: number;
  type: "image_generation.partial_image";
}
/** A picture that is done. */
export interface ImageGenCompletedEvent extends ImageGenEvent {
  type: "image_generation.completed";
  usage: ImageUsage;
}
/** A picture while it is made. */
export type ImageGenStreamEvent = ImageGenPartialImageEvent | ImageGenCompletedEvent;

/** What is asked for a batch. */
export interface BatchCreateParams {
  completion_window: "24h";
  /** Such as `/v1/chat/completions`. */
  endpoint: `/v1/${string}`;
  input_file_id: string;
  metadata?: Metadata | null;
  output_expires_after?: { anchor: "created_at"; seconds: number };
}
/** Which batches are wanted. */
export type BatchListParams = CursorPageParams;
/** Why a request of a batch was not understood. */
export interface BatchError {
  code?: string;
  line?: number | null;
  message?: string;
  param?: string | null;
}
/** How many requests of a batch are done. */
export interface BatchRequestCounts {
  completed: number;
  failed: number;
  total: number;
}
/** A batch. */
export interface Batch {
  id: string;
  completion_window: string;
  created_at: number;
  endpoint: string;
  input_file_id: string;
  object: "batch";
  status:
    | "validating"
    | "failed"
    | "in_progress"
    | "finalizing"
    | "completed"
    | "expired"
    | "cancelling"
    | "cancelled";
  cancelled_at?: number;
  cancelling_at?: number;
  completed_at?: number;
  error_file_id?: string;
  errors?: { data?: BatchError[]; object?: string };
  expired_at?: number;
  expires_at?: number;
  failed_at?: number;
  finalizing_at?: number;
  in_progress_at?: number;
  metadata?: Metadata | null;
  model?: string;
  output_file_id?: string;
  request_counts?: BatchRequestCounts;
}
