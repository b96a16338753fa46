/** Where the module of wasm may come from. */

declare global {
  // A name that only a page's types have; where they are loaded, this adds nothing to it.
  namespace WebAssembly {
    interface Module {}
  }
}

/** The module, or its bytes. */
export type ModuleAtHand = ArrayBuffer | ArrayBufferView<ArrayBuffer> | WebAssembly.Module;

/** A source of the module: its address, a response, its bytes or itself. */
export type ModuleSource = URL | Response | ModuleAtHand;
