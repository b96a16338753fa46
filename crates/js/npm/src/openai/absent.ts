/** Parts of the API that are not here, for libraries that extend or patch their classes while they are loaded. */

import { KneepointError } from "../errors.ts";
import { APIResource } from "../resources/endpoints.ts";

/** Something of which nothing can be asked. */
class Absent extends APIResource {
  create(): never {
    throw new KneepointError(
      "kneepoint/openai has no audio; expected `client.post()` with its path and a form, or `openai`'s own client",
      { kind: "config", phase: "queue" },
    );
  }
}

class Speech extends Absent {}
class Transcriptions extends Absent {}
class Translations extends Absent {}

/** Nothing of it is here; libraries look into it. */
export class Beta extends APIResource {}

/** Speech, and what was said. */
export class Audio extends APIResource {
  static readonly Speech = Speech;
  static readonly Transcriptions = Transcriptions;
  static readonly Translations = Translations;
}
