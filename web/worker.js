// Starts the engine: the same module as the page, which sends it along compiled, so that it is
// neither fetched nor compiled twice.
import start from "./kneepoint-web.js";

self.addEventListener("message", ({ data }) => start({ module_or_path: data }), { once: true });
