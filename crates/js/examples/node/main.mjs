// An answer, a stream and a batch.

import { Kneepoint } from "kneepoint";

const llm = new Kneepoint();
const model = process.env.MODEL ?? "small";

const { text, usage, timing } = await llm.generate("Say hello.", { model, maxTokens: 20 });
console.log(`${text}\n${usage?.outputTokens} tokens in ${timing.total.toFixed(0)} ms`);

for await (const piece of llm.stream("Count to five.", { model, maxTokens: 20 })) process.stdout.write(piece);
console.log();

const prompts = Array.from({ length: 50 }, (_, i) => `Question ${i}`);
for await (const { index, status, reason } of llm.batch(prompts, { model, maxTokens: 5 })) {
  if (status === "rejected") console.log(`${index} failed: ${reason.message}`);
}
const { calls, attempts, refusals, connections } = llm.stats();
console.log(`${calls} calls, ${attempts} attempts, ${refusals} refused, ${connections.opened} connections`);
