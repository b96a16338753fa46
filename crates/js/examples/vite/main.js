// A stream in a page that Vite builds.

import { Kneepoint } from "kneepoint";

const llm = new Kneepoint({ baseURL: "http://127.0.0.1:8088/mock/default/v1", apiKey: null });
const output = document.querySelector("output");
for await (const piece of llm.stream("Hello!", { model: "small" })) output.append(piece);
