// What becomes of calls while a server is away, or refuses everything.

import { check, equal, settled } from "../assert.ts";
import { failure, MODEL, type Promises } from "../world.ts";

export const outages: Promises = {
  async "no call is lost while a gateway answers for a server that is away"(world) {
    const endpoint = world.endpoint("tokens=2,ttft=20,outage=400:1500,fault=html_502");
    const llm = world.client(endpoint, { concurrency: 20, maxRetries: undefined });
    const until = performance.now() + 2500;
    let calls = 0;
    const work = async () => {
      while (performance.now() < until) {
        calls += 1;
        await llm.generate("Hello!", MODEL);
      }
    };
    await settled(Promise.all(Array.from({ length: 20 }, work)), "the calls");
    const { completed, rejected } = await endpoint.truth();
    equal(completed, calls, "completed");
    check(rejected > 0 && rejected < 150, `${rejected} were sent while it was away`);
  },

  async "a call whose time is up says what refused it, or others"(world) {
    const endpoint = world.endpoint("fault=status_503");
    const llm = world.client(endpoint, { concurrency: 1, timeout: 1500, maxRetries: undefined });
    const errors = await Promise.all([1, 2, 3].map(() => failure(llm.generate("Hello!", MODEL))));
    for (const error of errors) {
      equal([error.kind, error.status, error.retryable], ["status", 503, true], error.message);
      equal(error.phase, error.attempts === 0 ? "queue" : "headers", "the phase");
    }
    const sent = errors.reduce((sum, error) => sum + error.attempts, 0);
    equal(sent, (await endpoint.truth()).requests, "attempts");
  },
};
