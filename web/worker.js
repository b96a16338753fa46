// Starts the engine: the same module as the page, which sends it along compiled, so that it is
// neither fetched nor compiled twice. What goes wrong reaches the page as the worker's `error`.
import start from "./kneepoint-web.js";

self.addEventListener("message", ({ data }) => start({ module_or_path: data }).catch(reportError), { once: true });
