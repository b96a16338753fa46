// Starts the page. A file of its own, since the page's policy allows no script inside the document.
import start from "./kneepoint-web.js";

await start({ module_or_path: new URL("./kneepoint-web_bg.wasm", import.meta.url) });
