// Starts the page. A file of its own, since the page's policy allows no script inside the document.
// Imported rather than linked, so that a browser that lacks something gets as far as saying so.
try {
  const { default: start } = await import("./kneepoint-web.js");
  await start({ module_or_path: new URL("./kneepoint-web_bg.wasm", import.meta.url) });
} catch (error) {
  await import("./unsupported.js");
  throw error;
}
