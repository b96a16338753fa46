// node:http in front of the worker, which wants a Request and answers with a Response.

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import worker from "./worker.js";

/** A request as handlers see it. Node's own class would build what most of them never look at. */
class IncomingRequest {
  #headers;
  #signal;

  constructor(incoming, outgoing) {
    Object.assign(this, { incoming, outgoing });
  }

  get method() {
    return this.incoming.method;
  }

  /** Some visitors send the whole address where most send the path. */
  get url() {
    const { url, headers } = this.incoming;
    return /^https?:/i.test(url) ? url : `http://${headers.host ?? "localhost"}${url}`;
  }

  get headers() {
    this.#headers ??= new Headers(Object.entries(this.incoming.headers).map(([name, value]) => [name, `${value}`]));
    return this.#headers;
  }

  /** Aborted when the visitor leaves before the answer is out. */
  get signal() {
    if (this.#signal === undefined) {
      const leaving = new AbortController();
      this.outgoing.once("close", () => {
        if (!this.outgoing.writableFinished) leaving.abort();
      });
      this.#signal = leaving.signal;
    }
    return this.#signal;
  }

  /** The chunks. Whoever has seen enough of them can still answer. */
  get body() {
    return this.incoming.iterator({ destroyOnReturn: false });
  }

  get bodyUsed() {
    return this.incoming.readableDidRead;
  }

  async text() {
    const chunks = [];
    for await (const chunk of this.incoming) chunks.push(chunk);
    return new TextDecoder().decode(Buffer.concat(chunks));
  }
}

async function serve(incoming, outgoing) {
  try {
    const response = await worker.fetch(new IncomingRequest(incoming, outgoing));
    const headers = Object.fromEntries(response.headers);
    if (headers["content-type"] === "text/event-stream") {
      outgoing.writeHead(response.status, headers);
      // Waits for its reader, and ends with it.
      await pipeline(Readable.fromWeb(response.body), outgoing);
      return;
    }
    const text = await response.text();
    // With its length known, an answer is sent in one go.
    outgoing.writeHead(response.status, { ...headers, "content-length": Buffer.byteLength(text) });
    outgoing.end(text);
  } catch (error) {
    // A visitor who left is no failure, and has been logged.
    if (!outgoing.destroyed) outgoing.destroy(error);
  }
}

const { PORT = "8787", HOST = "127.0.0.1" } = process.env;
const server = createServer(serve).listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${server.address().port}`);
});
process.once("SIGTERM", () => server.close());
