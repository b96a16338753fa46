// Browsers without a window, and a server for their pages.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, extname, join } from "node:path";

import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

import { launchWebkit } from "./webkit.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

/** Flags for Chromium as root and in containers, and without talk to the network of its own. */
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Calls `work` with a page of the browser, and closes it afterwards. `options` are those of `launch`. */
export async function withPage(name, options, work) {
  const browser = await launch(name, options);
  try {
    return await work(await browser.newPage());
  } finally {
    await browser.close();
  }
}

/** Starts Chromium by Playwright, Firefox by Puppeteer, or WebKit. `spki`: the one certificate that it is to trust; `flags`: further ones of Chromium. */
export async function launch(name, { spki, flags = [] } = {}) {
  if (name === "webkit") return launchWebkit();
  if (name === "firefox") {
    const acceptInsecureCerts = spki !== undefined;
    return puppeteer.launch({ browser: "firefox", executablePath: found("FIREFOX", "firefox-esr", "firefox"), headless: true, acceptInsecureCerts });
  }
  const args = [...FLAGS, ...flags];
  if (spki !== undefined) args.push(`--ignore-certificate-errors-spki-list=${spki}`);
  const start = () => chromium.launch({ executablePath: found("CHROMIUM", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"), headless: true, args });
  // On a machine with far too much to do it once in a while does not start.
  return start().catch(start);
}

/** The program that a variable names, or the first that is on the PATH. */
function found(variable, ...names) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const all = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const program = process.env[variable] ?? all.find((file) => existsSync(file));
  if (program === undefined) throw new Error(`none of ${names.join(", ")} is on the PATH: set ${variable}`);
  return program;
}

/** Serves a folder's files, on a port of its own. */
export async function serve(folder) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    try {
      const body = await readFile(`${folder}${decodeURIComponent(file)}`);
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}
