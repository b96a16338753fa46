declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*.wasm.js" {
  /** The bytes in Base64. */
  const encoded: string;
  export default encoded;
}
