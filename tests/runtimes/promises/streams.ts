// Streams, whatever way their bytes come and wherever they end.

import { check, equal, settled, sleep } from "../assert.ts";
import { failure, MODEL, type Promises, read } from "../world.ts";

const SHAPE = "tokens=8,chunk=1";

export const streams: Promises = {
  async "odd but legal streams say what the plain one says"(world) {
    const plain = await read(world.client(world.endpoint(SHAPE)).stream("Hello!", MODEL));
    equal(plain.error, undefined, "the plain one's error");
    const faults = ["cr_lines", "bom", "split:1", "split:7", "one_burst", "no_final_blank", "double_done", "no_done", "long_line:200000", "late_eof:20"];
    for (const fault of faults) {
      const { text, error } = await read(world.client(world.endpoint(`${SHAPE},fault=${fault}`)).stream("Hello!", MODEL));
      equal(error, undefined, `${fault}: error`);
      equal(text.length > 0, true, `${fault}: text`);
    }
  },

  async "a stream that is cut anywhere is never a success unless it was complete"(world) {
    const cuts = [0, 1, 5, 6, 17, 60, 150, 230, 300, 400, 555, 700, 900, 1100, 1300, 1500, 1700];
    let interrupted = 0;
    for (const kind of ["fin_mid", "reset_mid"]) {
      for (const at of cuts) {
        const [one, endpoint] = world.twins(SHAPE, `${SHAPE},fault=${kind}@${at}`);
        check(one && endpoint, "two endpoints");
        const { text, error } = await read(world.client(endpoint).stream("Hello!", MODEL));
        const what = `${kind}@${at}`;
        if (error === undefined) {
          const whole = await read(world.client(one).stream("Hello!", MODEL));
          equal(text, whole.text, `${what}: a success`);
        } else {
          check(["interrupted", "truncated", "network", "opaque", "answer"].includes(error.kind), `${what}: kind ${error.kind}`);
          equal(error.partial ?? "", text, `${what}: partial`);
          interrupted += Number(error.kind === "interrupted");
        }
      }
    }
    check(interrupted > 0, "some cuts came after content");
  },

  async "a whole answer that is cut anywhere is never a success"(world) {
    for (const at of [0, 1, 20, 64, 128, 200, 256]) {
      const llm = world.client(world.endpoint(`${SHAPE},fault=fin_mid@${at}`));
      const outcome = await llm.generate("Hello!", MODEL).then(() => "a success", () => "a failure");
      equal(outcome, "a failure", `fin_mid@${at}`);
    }
  },

  async "a slow reader is waited for"(world) {
    const endpoint = world.endpoint("tokens=60000,chunk=100");
    let pieces = 0;
    const stream = world.client(endpoint, { idleTimeout: 200 }).stream("Hello!", { ...MODEL, maxTokens: 60000 });
    for await (const _ of stream) {
      pieces += 1;
      if (pieces <= 2) await sleep(300);
    }
    equal((await stream.result()).usage?.outputTokens, 60000, "tokens");
    await endpoint.until((truth) => truth.in_flight === 0, "it is over");
  },

  async "many streams at once keep their texts apart"(world) {
    const llm = world.client(world.endpoint("tokens=20,chunk=2,tpot=2"), { concurrency: 6 });
    const outcomes = await Promise.all(Array.from({ length: 18 }, () => read(llm.stream("Hello!", { ...MODEL, maxTokens: 20 }))));
    const expected = outcomes[0]?.text ?? "";
    check(expected !== "", "there is text");
    for (const { text, error } of outcomes) {
      equal(error, undefined, "error");
      check(text !== "", "text");
    }
  },

  async "several pieces may be asked for at once, and come in their order"(world) {
    const endpoint = world.endpoint(`${SHAPE},tpot=2`);
    const pieces = world.client(endpoint).stream("Hello!", MODEL)[Symbol.asyncIterator]();
    const results = await settled(Promise.all(Array.from({ length: 12 }, () => pieces.next())), "the pieces");
    // How many pieces there are is the network's business.
    const ends = results.map(({ done }) => Boolean(done));
    equal([ends[0], ends.at(-1)], [false, true], "the first and the last are the end");
    equal(ends, [...ends].sort(), "which are the end");
    const stream = world.client(endpoint).stream("Hello!", MODEL);
    const [one, other] = await settled(Promise.all([stream.result(), stream.result()]), "the whole, asked for twice");
    equal([one.text, one.usage?.outputTokens], [other.text, 8], "the whole");
  },

  async "who leaves a stream is told of its end, not of an error"(world) {
    const pieces = world.client(world.endpoint(`${SHAPE},fault=stall_mid@700`)).stream("Hello!", MODEL)[Symbol.asyncIterator]();
    await pieces.next();
    const rest = Array.from({ length: 9 }, () => pieces.next());
    equal(await pieces.return?.(), { done: true, value: undefined }, "what return answers");
    const last = (await settled(Promise.all(rest), "those who waited")).at(-1);
    equal([last?.done, (await settled(pieces.next(), "the next")).done], [true, true], "ends");
  },

  async "the result of a stream that failed is its error, whoever read it"(world) {
    // One event after the other: what comes together with the error, and first, is handed out to nobody.
    const fetch = async () => {
      const events = [{ choices: [{ delta: { content: "Hello!" } }] }, { error: { message: "no more", type: "server_error" } }];
      const pull = (controller: ReadableStreamDefaultController) => {
        const event = events.shift();
        if (event === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
      };
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: { "content-type": "text/event-stream" } });
    };
    const broken = () => world.client(world.place.closed, { fetch }).stream("Hello!", MODEL);
    const stream = broken();
    const { text, error } = await read(stream);
    check(text !== "" && error !== undefined, "it broke in the middle");
    for (let i = 0; i < 2; i += 1) equal(await failure(stream.result()) === error, true, "the same error");
    const unread = broken();
    for (let i = 0; i < 2; i += 1) equal((await failure(unread.result())).kind, "interrupted", "kind");
  },
};
