declare module "cloudflare:workers" {
  /** Keeps the request that we are in going until the promise has settled, for 30 s at most. */
  export function waitUntil(promise: Promise<unknown>): void;
}
