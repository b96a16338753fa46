/** The types of chat completions, as they are called under `OpenAI.Chat`. */

export type * from "../../resources/types/chat.ts";
export type * from "../../resources/types/message.ts";
export type * from "./stored.ts";
export type * as Completions from "../resources.ts";
