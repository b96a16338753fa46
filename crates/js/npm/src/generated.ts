/** An answer as a client's users get it. */

import type { Answer } from "./call.ts";
import type { CallRecord, Timing, Usage } from "./record.ts";
import type { Reply } from "./reply.ts";

/** An answer, and what is known of the call that brought it. */
export interface Generated extends Answer {
  /** What it used, where the server tells. */
  usage?: Usage;
  /** What it took. */
  timing: Timing;
}

/** The answer with what is known of its call. */
export function generated(answer: Answer, record: CallRecord, reply: Reply | undefined): Generated {
  const { usage } = record;
  return { ...answer, ...(usage === undefined ? {} : { usage }), timing: record.timing(reply?.reused) };
}
