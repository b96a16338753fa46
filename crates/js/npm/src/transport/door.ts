/** What the module in wasm holds of a transport: one client's own, where several may share a transport. */

import type { Reading } from "../reply.ts";
import { RequestHead } from "./head.ts";
import { Gathering, type Sender, type Transport } from "./transport.ts";

export class Door {
  readonly turns: boolean;
  readonly opaque: boolean;
  readonly #transport: Transport;
  /** The head of this client's latest request. Most are like it, and are not told again. */
  #latest = new RequestHead("");

  constructor(transport: Transport) {
    this.turns = transport.turns;
    this.opaque = transport.opaque;
    this.#transport = transport;
  }

  /** `lines` are missing where they are those of the request before; `reading` is 0 where the answer is not read
   * as a whole. */
  open(id: number, call: Sender, lines: string | undefined, reading: Reading | 0, bytesMax: number): void {
    if (lines !== undefined) this.#latest = new RequestHead(lines);
    const gathering = reading === 0 ? undefined : new Gathering(reading, bytesMax);
    this.#transport.open(id, call, this.#latest, gathering);
  }

  read(id: number): void {
    this.#transport.read(id);
  }

  close(id: number): void {
    this.#transport.close(id);
  }
}
