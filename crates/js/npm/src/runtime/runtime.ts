/** What differs between runtimes. Each has a module of its own that the build puts in place. */

import type { Visit } from "../visit.ts";
import type { ModuleAtHand, ModuleSource } from "./source.ts";

/** One of them. */
export interface Runtime {
  /** Its name, for reports and errors. */
  readonly name: "browser" | "node" | "deno" | "bun" | "workerd";
  /** How many requests a client may have in flight there, whatever it was `asked` for. */
  mostAtOnce(baseURL: string, asked?: number | "auto"): number | undefined;
  /** Where the wasm module is. */
  module(): ModuleSource | Promise<ModuleSource>;
  /** The same without waiting, where that is possible. */
  readonly moduleNow?: () => ModuleAtHand;
  /** A variable of the environment. */
  variable(name: string): string | undefined;
  /** Calls back after the event loop has gone round. */
  turn(then: () => void): void;
  /** The bytes as text. */
  text(chunks: readonly Uint8Array[]): string;
  /** The visit that we are in, where I/O belongs to one, or what is made in it. With `lingers` it goes on for as long as it
   * is held, though the visitor may have left. Timers may never fire there: it calls `lookAfter`, which
   * answers after how many milliseconds it wants to be called again. */
  visit?(lingers: boolean, lookAfter: () => number): Visit;
  /** Lets work go on after the response that it is not part of. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
}
