// A certificate for servers of tests that speak TLS. Nobody else trusts it, so its key is no secret;
// `openssl req -x509` made both, for a hundred years.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Where it lies, for programs that can be told whom to trust. */
export const certificateFile = beside("localhost.cert.pem");

/** Both, as Node's servers take them. */
export const certificate = { cert: readFileSync(certificateFile), key: readFileSync(beside("localhost.key.pem")) };
