// The parts of undici that are used, loaded one by one: all of it takes three times as long.
declare module "undici/lib/core/connect.js" {
  export default function buildConnector(options: object): unknown;
}
declare module "undici/lib/dispatcher/client.js" {
  export default class Client {
    constructor(origin: string, options: object);
  }
}
// All of it, for its proxies.
declare module "undici" {
  export class EnvHttpProxyAgent {
    constructor(options: object);
    dispatch(options: object, handler: object): boolean;
  }
}
