/** The module, as bundlers and runtimes that import WebAssembly hand it over. */
declare const module: WebAssembly.Module;
export default module;
