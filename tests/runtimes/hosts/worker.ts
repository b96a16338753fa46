// The suite in a Worker: one request, whose answer is a line of JSON for each verdict.

import type { KVLike } from "kneepoint/cache";

import { contract, type Place } from "../contract.ts";

export default {
  async fetch(request: Request, env: { KV: KVLike }): Promise<Response> {
    const place = (await request.json()) as Place;
    const lines = new TransformStream<Uint8Array, Uint8Array>();
    const writer = lines.writable.getWriter();
    const encoder = new TextEncoder();
    const write = (line: object) => writer.write(encoder.encode(`${JSON.stringify(line)}\n`));
    void contract(place, (verdict) => void write(verdict), env.KV).then(
      () => writer.close(),
      (error: unknown) => writer.abort(error),
    );
    return new Response(lines.readable);
  },
};
