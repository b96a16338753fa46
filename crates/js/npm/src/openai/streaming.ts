/**
 * A stream of objects, where OpenAI's SDK has it.
 *
 * @packageDocumentation
 */

export { _iterSSEMessages, type ServerSentEvent } from "../resources/sse.ts";
export { Stream } from "../resources/streaming.ts";
