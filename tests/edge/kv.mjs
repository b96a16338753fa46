// Answers that outlive an isolate, in Cloudflare's KV.

import assert from "node:assert/strict";

import { generate } from "./visitor.mjs";
import { KEY } from "./world.mjs";

export const kv = {
  async "answers in KV serve the next isolate, and nobody with another key"(world) {
    const place = world.place();
    const { prompt, truth } = world.rules("tokens=6");
    const { board } = await world.main();
    const asked = async (key) => {
      const settings = { ANSWERS: place, OPENAI_BASE_URL: board.url, OPENAI_API_KEY: key };
      const { origin } = await world.endpoint(settings);
      return generate(origin, prompt());
    };
    const [first, again, other] = [await asked(KEY), await asked(KEY), await asked(`${KEY}-other`)];
    assert.deepEqual([first.cache, again.cache, other.cache], ["miss", "hit", "miss"]);
    assert.equal(again.response, first.response);
    assert.equal((await truth()).requests, 2);
  },
};
