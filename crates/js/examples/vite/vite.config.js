// The package finds its WebAssembly beside its script, which the pre-bundling of `vite dev` would
// move away from it.
export default { optimizeDeps: { exclude: ["kneepoint"] } };
