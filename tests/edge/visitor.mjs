// A visitor of the endpoint, who may leave at any moment as browsers do: by a reset of the connection.

import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { connect } from "node:net";

// Connections are let go before any server lets go of them, which a request on its way would notice.
const agent = new Agent({ keepAlive: true, maxSockets: 200, timeout: 2000 });

/** Asks, and resolves to `{ status, headers, text, json }`. */
export async function ask(origin, path, { method = "POST", body, headers = {} } = {}) {
  const { answer } = open(origin, path, { method, body, headers });
  const response = await answer;
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const isJson = response.headers["content-type"]?.startsWith("application/json");
  return { status: response.statusCode, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

/** Asks for an answer to a prompt, and sees to it that there is one. */
export async function generate(origin, prompt, { path = "/generate", headers } = {}) {
  const answer = await ask(origin, `${path}?prompt=${encodeURIComponent(prompt)}`, { headers });
  assert.equal(answer.status, 200, `${prompt}: ${answer.text}`);
  return { response: answer.json.response, cache: answer.headers["x-cache"], headers: answer.headers };
}

/** Begins to ask. `leave` breaks the connection. */
export function open(origin, path, { method = "POST", body, headers } = {}) {
  const asking = request(`${origin}${path}`, { method, headers, agent });
  const answer = new Promise((resolve, reject) => {
    asking.once("response", resolve);
    asking.once("error", reject);
  });
  // Whoever leaves does not wait for it.
  answer.catch(() => {});
  asking.end(body);
  return { answer, isSent: () => asking.writableFinished, leave: () => asking.socket.resetAndDestroy() };
}

/** Sends bytes as they are, and resolves to all that comes back. Who leaves sends no more than them. */
export function exchange(origin, bytes, { leaves = false } = {}) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  let said = "";
  return new Promise((resolve, reject) => {
    socket.setEncoding("utf8").on("data", (text) => (said += text));
    socket.once("close", () => resolve(said)).once("error", reject);
    if (leaves) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** The events of a stream as they come: `{ name, data }`. */
export async function* eventsOf(response) {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    const events = (text + chunk).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const name = event.match(/^event: (.*)$/m)?.[1] ?? "message";
      yield { name, data: JSON.parse(event.match(/^data: (.*)$/m)[1]) };
    }
  }
  assert.equal(text, "", "events are whole");
}
