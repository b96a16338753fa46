// Times a whole program, its start included, that asks the simulated endpoint a thousand questions.
//
//     measure.mjs WHO PROGRAM [ARGUMENT …]
//
// PROGRAM may be `kneepoint`: that is the packed package's. Where an argument holds URL, it is
// replaced by the endpoint's address. The program runs anew each time that its turn comes. One that did
// not get a thousand answers is a failure.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

import { install } from "../../cli/command.mjs";
import { startServer } from "../sdk/server.mjs";
import { turns } from "../turns.mjs";

// Answers at once, so that the clients' own cost is what differs.
const SPEC = "instant";

// Certificates that a machine adds to those that programs bring are read at start, and nobody's cost.
const ADDED = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"];
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ADDED.includes(name)));

const [who, program, ...words] = process.argv.slice(2);
const home = program === "kneepoint" ? install() : undefined;
const server = await startServer();
try {
  const url = `${server.http}/mock/${SPEC}`;
  const args = words.map((word) => word.replace("URL", url));
  const [command, ...rest] = home === undefined ? [program, ...args] : [process.execPath, home.cli, ...args];
  let asked = 0;
  await turns(who, async () => {
    const start = performance.now();
    const { status, stdout, stderr } = spawnSync(command, rest, { encoding: "utf8", env });
    const seconds = (performance.now() - start) / 1000;
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^=+\nTotal requests: 1000\n/);
    const truth = await (await fetch(`${url}/stats`)).json();
    assert.equal(truth.completed, (asked += 1000), "every question was answered");
    return seconds;
  });
} finally {
  await server.stop();
  home?.remove();
}
