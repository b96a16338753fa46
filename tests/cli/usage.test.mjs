// What the command line says to those who ask for help, or for something that cannot be.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { startServer } from "../peers/sdk/server.mjs";
import { install, kneepoint } from "./command.mjs";

let server;
let home;
before(async () => {
  home = install();
  server = await startServer("--tls-listen", "127.0.0.1:0");
});
after(async () => {
  await server?.stop();
  home?.remove();
});

const run = (args) => kneepoint(home, args);

test("every command has a page with examples", async () => {
  for (const command of ["bench", "knee", "compare", "merge", "report"]) {
    for (const words of [[command, "--help"], ["help", command]]) {
      const { status, out, err } = await run(words);
      assert.deepEqual([status, err], [0, ""]);
      assert.match(out, new RegExp(`^Usage: kneepoint ${command} `));
      assert.match(out, new RegExp(`Examples:\n  # .+\n  kneepoint ${command} `));
    }
  }
  const overview = await run(["--help"]);
  assert.equal(overview.status, 0);
  assert.match((await run(["--version"])).out, /^kneepoint \d+\.\d+\.\d+\n$/);
});

test("only what can be read again is said to be", async () => {
  const help = async (command) => (await run([command, "--help"])).out;
  for (const command of ["bench", "knee", "merge", "report"]) {
    assert.match(await help(command), /--json \[FILE\] +the result as JSON, for report, compare and merge\n/);
  }
  // A comparison has no schema of a result, and none of the three takes it.
  assert.match(await help("compare"), /--json \[FILE\] +the comparison as JSON\n/);
});

test("what cannot be is refused in one line that says why, with status 1", async () => {
  const url = ["--url", `${server.http}/mock/instant/v1`];
  const good = ["bench", ...url, "--model", "m", "-n", "3"];
  writeFileSync(join(home.folder, "empty.txt"), "\n");
  writeFileSync(join(home.folder, "odd.jsonl"), '{"prompt": "a"}\n{"text": "b"}\n');
  writeFileSync(join(home.folder, "other.json"), '{"schema": 7}');
  writeFileSync(join(home.folder, "part.json"), '{"schema": 1}');
  const cases = [
    [[], /^$/],
    [["bnech"], /there is no command bnech: did you mean bench\?/],
    [["bench"], /--model is missing/],
    [["bench", "--model", "m", "-n", "3"], /--url is missing/],
    [["bench", ...url, "--model", "m"], /Give a number of requests/],
    [[...good, "--concurency", "3"], /no --concurency here: did you mean --concurrency\?/],
    [[...good, "--api-key", "sk-1"], /--api-key-file/],
    [[...good, "--token=sk-1"], /--api-key-file/],
    [[...good, "-n", "4"], /given twice/],
    [[...good, "--max-tokens"], /--max-tokens takes a value/],
    [[...good, "--stream=yes"], /--stream takes no value/],
    [[...good, "-c", "0"], /expected a whole number from 1/],
    [[...good, "-c", "1e99"], /expected a whole number from 1/],
    [[...good, "-c", "2", "--rate", "5"], /exclude each other/],
    [[...good, "--poisson"], /give that too/],
    [[...good, "--timeout", "5"], /expected a time/],
    [[...good, "--slo", "speed<1s"], /expected ttft, tpot or e2e/],
    [[...good, "--budget", "requests=2"], /refused before the start: 3 requests, where the budget allows 2/],
    [["bench", ...url, "--model", "m", "-n", "2.01k", "--budget", "requests=2"], /: 2010 requests, where/],
    [[...good, "-c", "1.0005k"], /expected a whole number from 1/],
    [[...good, "--budget", "money=5"], /--price/],
    [[...good, "--fail-if", "p97>1s"], /--fail-if: "p97" is no figure/],
    [[...good, "--fail-if", "error_rate>1"], /can never come true: the most is 1, or 100%/],
    [[...good, "--fail-if", "knee<16"], /--fail-if: knee<16: a plain run has no knee, which `kneepoint knee` looks for/],
    [[...good, "--fail-if", "goodput<10"], /goodput is what meets an --slo: give that too/],
    [[...good, "--prompt-file", "none.txt"], /none\.txt cannot be read: there is no such file/],
    [[...good, "--prompt-file", "empty.txt"], /no prompt in empty\.txt/],
    [[...good, "--prompt-file", "odd.jsonl"], /line 2 of odd\.jsonl/],
    [[...good, "--json", "no/such/folder.json"], /cannot be written: there is no such file or folder\n$/],
    [[...good, "--json", ""], /--json: the file's name is empty/],
    [[...good, "--json", "one.json", "--csv", "./one.json"], /--json and --csv: \.\/one\.json holds one of them/],
    [["bench", ...url, "--model", "m", "--json", "-n", "3"], /--json takes a value: --json FILE, or - for standard output/],
    [["bench", ...url, "--model", "m", "--json", "-n3"], /--json takes a value/],
    [[...good, "-c", "-q"], /-c takes a value: -c N/],
    [[...good, "--json", "-", "--vllm", "-"], /standard output holds one of them/],
    [[...good, "--provider", "http://x"], /an address goes to --url/],
    [["bench", "--url", "ftp://x", "--model", "m", "-n", "3"], /expected an address/],
    [["bench", "--url", `${server.http}/v1/chat/completions`, "--model", "m", "-n", "3"], /without \/chat\/completions/],
    [["bench", "--url", `${server.http}/v1?x=1`, "--model", "m", "-n", "3"], /--url: give the base URL, without \? and #/],
    [["knee", ...url, "--model", "m", "--ladder", "maximum=3"], /no "maximum"/],
    [["knee", ...url, "--model", "m", "--ladder", "max=0"], /max: found 0, expected a whole number from 1 to /],
    [["knee", ...url, "--model", "m", "--ladder", "max=100001"], /max: found 100001, expected 1 to 100000 requests at once/],
    [["knee", ...url, "--model", "m", "--ladder", "rungs_max=1.5"], /expected a whole number from 0 to 4294967295, found 1.5/],
    [["compare", "--a", server.http], /takes two endpoints/],
    [["merge", "one.json"], /two files or more/],
    [["report", "none.json"], /there is no such file/],
    [["report", "empty.txt"], /empty\.txt is no result: it is empty\n$/],
    [["report", "odd.jsonl"], /odd\.jsonl is no result: it is not JSON\n$/],
    [["report", "other.json"], /other\.json: the report follows schema 7; this version reads 1, a newer one is needed/],
    [["merge", "part.json", "other.json"], /part\.json: this is no report: missing field/],
  ];
  for (const [args, expected] of cases) {
    const { status, out, err } = await run(args);
    const label = `${args.join(" ")}: ${err}`;
    assert.equal(status, 1, label);
    if (args.length === 0) continue;
    assert.equal(out, "", label);
    assert.match(err, expected, label);
    assert.match(err, /^kneepoint: [^\n]+\n$/, label);
  }
});

test("a run that nobody answers reports so, and what to do, with status 1", async () => {
  const cases = [
    [`${server.http}/mock/fault=status_401:1/v1`, /4xx/, /is the key right\? It comes from/],
    [`${server.http}/nowhere/v1`, /4xx/, /are address and model right\?/],
    [`${server.http}/mock/fault=html_200:1/v1`, /not_api/, /no LLM endpoint: is the address right\?/],
    [`${server.http}/mock/fault=status_500:1/v1`, /5xx/, /^$/],
    // Nobody may listen on the discard service's port; if somebody does, it is no LLM endpoint.
    ["http://127.0.0.1:9/v1", /network/, /nothing listens there: /],
    ["http://kneepoint.invalid/v1", /network/, /the host is not known: /],
    [`${server.https}/mock/instant/v1`, /network/, /trusted with NODE_EXTRA_CA_CERTS=FILE/],
    [server.http.replace("http:", "https:"), /network/, /speaks no TLS there: try http:/],
    [server.https.replace("https:", "http:"), /network/, /speaks no HTTP: try https:/],
  ];
  for (const [url, expected, advice] of cases) {
    const args = ["bench", "--url", url, "--model", "m", "-n", "2", "--max-retries", "0"];
    const { status, out, err } = await run(args);
    assert.equal(status, 1, err);
    assert.match(out, /^None of 2 requests was answered \(\w+\)\.\n/);
    assert.match(err, expected);
    const [, told] = /^kneepoint: no request was answered \([^\n]+\)\n(?:kneepoint: ([^\n]+)\n)?$/.exec(err) ?? [];
    assert.match(told ?? "", advice, err);
  }
});

test("a server that is not there is not asked to the end", async () => {
  const args = ["bench", "--url", "http://127.0.0.1:9/v1", "--model", "m", "-n", "1000", "-c", "4", "--json", "-"];
  const { status, out, err } = await run(args);
  assert.equal(status, 1, err);
  const { rungs, method } = JSON.parse(out);
  assert.ok(rungs[0].requests < 30 && method.stopped_early, out);
  assert.match(err, /nothing listens there: /);
});

test("programs await a run, follow it, stop it, and summarise numbers of their own", async () => {
  const { bench, ready, renderReport, summarize } = await import(pathToFileURL(home.entry).href);
  await ready();
  const options = { baseURL: `${server.http}/mock/ttft=20,tokens=4/v1`, apiKey: null, model: "m" };
  const report = await bench({ ...options, requests: 10, concurrency: 5 });
  assert.equal(report.rungs[0].ok, 10);
  assert.match(renderReport(report, "text"), /^=+\nTotal requests: 10\n/);
  const run = bench({ ...options, duration: 600_000, concurrency: 2 });
  let ticks = 0;
  for await (const tick of run) {
    ticks += 1;
    if (tick.ok >= 4) run.stop();
  }
  assert.ok(ticks > 0 && (await run).method.stopped_early);
  await assert.rejects(async () => bench({ ...options, requests: 0 }), /measure nothing/);
  const many = { ...options, requests: 1, concurrency: 4e9 };
  await assert.rejects(async () => bench(many), /concurrency: found 4000000000, expected 1 to 100000/);
  for (const concurrency of [-1, 0, 1.5]) {
    await assert.rejects(async () => bench({ ...options, requests: 1, concurrency }), /expected a whole number from 1 to /);
  }
  await assert.rejects(async () => bench({ ...options, conc: 3, requests: 1 }), /conc/);
  const rules = [10, 20, 30, 40, 50];
  assert.ok(Math.abs(summarize(rules, { rule: "exclusive" }).p99 - 59.4) < 1e-9);
  assert.equal(summarize(rules).p95, 48);
  assert.equal(summarize(rules, { rule: "nearest" })["p99.9"], 50);
  assert.equal(summarize([]), null);
  assert.throws(() => summarize([Number.NaN]), /not a number/);
});
