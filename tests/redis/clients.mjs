// The two clients of Redis that programs have, made and closed in the same words.

import { Redis } from "ioredis";
import { createClient, createClientPool } from "redis";

/** Each: a client that is connected, and how it is closed. Errors are heard, as programs must. */
export const CLIENTS = {
  async redis(port) {
    const socket = { port, host: "127.0.0.1", reconnectStrategy: () => 50 };
    const client = createClient({ socket });
    client.on("error", () => {});
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async "a pool of redis"(port) {
    const socket = { port, host: "127.0.0.1", reconnectStrategy: () => 50 };
    const client = createClientPool({ socket });
    client.on("error", () => {});
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async ioredis(port) {
    const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50 });
    client.on("error", () => {});
    await client.ping();
    return { client, close: () => client.disconnect() };
  },
};
