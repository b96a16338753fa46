/** The proxy that Node's environment names, as curl and others read it. */

import { refuse } from "../failure.ts";
import type { Dispatcher } from "./dispatch.ts";

/** The latest one, which all clients share that were made under the same variables. */
let proxy: { readonly name: string; readonly dispatcher: Dispatcher } | undefined;

/** What goes through it, but for the hosts in `NO_PROXY`; nothing where no variable asks for it. */
export function proxyOfTheEnvironment(): Dispatcher | undefined {
  const httpProxy = addressIn("http_proxy");
  const httpsProxy = addressIn("https_proxy");
  if (httpProxy === undefined && httpsProxy === undefined) return undefined;
  const addresses = { httpProxy, httpsProxy };
  const name = JSON.stringify(addresses);
  if (proxy?.name !== name) proxy = { name, dispatcher: made(addresses) };
  return proxy.dispatcher;
}

/** Loaded only where it is needed, for it is larger than all the rest; and whole, since undici's proxies
 * call what its parts have only once its entry has been there. */
function made(addresses: object): Dispatcher {
  const agent = import("undici").then(({ EnvHttpProxyAgent }) => new EnvHttpProxyAgent(addresses));
  return {
    dispatch(options, handler) {
      const sent = agent.then((loaded) => loaded.dispatch(options, handler));
      sent.catch((error: Error) => handler.onResponseError(null, error));
      return true;
    },
  };
}

/** The address in a variable, in small letters or in capitals. It may hold a password: nobody repeats it. */
function addressIn(name: string): string | undefined {
  const said = process.env[name] || process.env[name.toUpperCase()];
  if (!said) return undefined;
  const address = said.includes("://") ? said : `http://${said}`;
  if (URL.canParse(address)) return address;
  const found = "no address in this variable of the environment";
  throw refuse(name, found, "one such as http://proxy.example:3128");
}
