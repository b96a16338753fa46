/** The client for Azure, which is not here. */

import { KneepointError } from "../errors.ts";

/** Not here. Libraries that import it beside `OpenAI` can be loaded, and only who makes one is refused. */
export class AzureOpenAI {
  constructor() {
    throw new KneepointError(
      "kneepoint/openai has no client for Azure; expected `new OpenAI({ baseURL })` with the resource's address and " +
        "`/openai/v1` behind it",
      { kind: "config", phase: "queue" },
    );
  }
}
