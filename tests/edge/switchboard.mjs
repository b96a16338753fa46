// A model's server that behaves as the prompt says: the first word of a prompt is the spec of the
// simulated endpoint that answers it. `echo` and `mumble` are answered here, with the key that came and
// with the prompt: the one is refused, the other gets what is no answer. Where a prompt begins with
// `again`, its first attempt has to wait for a second.

import { createServer, request } from "node:http";

/** Resolves to `{ url, connections, latest, stop }`. */
export async function startSwitchboard(simulated) {
  const sockets = new Set();
  let connections = 0;
  let latest;
  const waiting = new Set();
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    latest = { url: incoming.url, body: JSON.parse(body) };
    const prompt = latest.body.messages.at(-1).content;
    const [spec] = prompt.replace(/^again /, "").split(" ");
    if (prompt.startsWith("again ") && !waiting.has(prompt)) {
      waiting.add(prompt);
      outgoing.writeHead(503, { "content-type": "application/json", "retry-after": "1" });
      return outgoing.end('{"error":{"message":"Overloaded."}}');
    }
    const key = incoming.headers.authorization ?? incoming.headers["x-api-key"];
    if (spec === "mumble") {
      outgoing.writeHead(200, { "content-type": "text/html" });
      return outgoing.end(`<p>${key}: ${prompt}</p>`);
    }
    if (spec === "echo") {
      outgoing.writeHead(401, { "content-type": "application/json", "x-told": key });
      return outgoing.end(JSON.stringify({ error: { message: `Incorrect key: ${key}, for: ${prompt}`, type: "auth", code: key } }));
    }
    const { method, url, headers } = incoming;
    const onward = request(`${simulated}/mock/${spec}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.on("error", () => outgoing.destroy());
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    onward.end(body);
  });
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket.once("close", () => sockets.delete(socket)));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    connections: () => connections,
    latest: () => latest,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
