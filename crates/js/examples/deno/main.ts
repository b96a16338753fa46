// A stream in Deno, with what is known of it at its end.

import { Kneepoint } from "kneepoint";

const llm = new Kneepoint();
const stream = llm.stream("Count to five.", { model: Deno.env.get("MODEL") ?? "small", maxTokens: 20 });
for await (const piece of stream) await Deno.stdout.write(new TextEncoder().encode(piece));
const { usage, timing } = await stream.result();
console.log(`\n${usage?.outputTokens} tokens in ${timing.total.toFixed(0)} ms`);
