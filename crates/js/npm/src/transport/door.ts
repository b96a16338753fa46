/** What the module in wasm holds of a transport: one client's own, where several may share a transport. */

import type { Reading } from "../reply.ts";
import { RequestHead } from "./head.ts";
import type { Sender, Transport } from "./transport.ts";

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

  /** `lines` are missing where they are those of the request before. */
  open(id: number, call: Sender, lines: string | undefined): void {
    if (lines !== undefined) this.#latest = new RequestHead(lines);
    this.#transport.open(id, call, this.#latest);
  }

  read(id: number): void {
    this.#transport.read(id);
  }

  whole(id: number, reading: Reading, bytesMax: number): void {
    this.#transport.whole(id, reading, bytesMax);
  }

  close(id: number): void {
    this.#transport.close(id);
  }
}
