/** What differs between runtimes. Each has a module of its own that the build puts in place. */

import type { TransportOptions, Transport } from "../transport/transport.ts";
import type { ModuleSource } from "../engine.ts";

export interface Runtime {
  /** Its name, for reports and errors. */
  readonly name: "browser" | "node" | "deno" | "bun" | "workerd";
  /** How many requests a client may have in flight there, where it is left to the client. */
  mostAtOnce(baseURL: string): number | undefined;
  /** Where the wasm module is. */
  module(): ModuleSource | Promise<ModuleSource>;
  /** The same without waiting, where that is possible. */
  readonly moduleNow?: () => WebAssembly.Module | BufferSource;
  /** A variable of the environment. */
  variable(name: string): string | undefined;
  /** Calls back after the event loop has gone round. */
  turn(then: () => void): void;
  /** The bytes as text. */
  text(chunks: readonly Uint8Array[]): string;
  /** What sends requests. */
  transport(options: TransportOptions): Transport;
}
