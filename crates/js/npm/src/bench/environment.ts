/** Where a run takes place, for its report. */

import { runtime } from "#runtime";

interface Versions {
  process?: { platform?: string; arch?: string; versions?: Record<string, string | undefined> };
  navigator?: { userAgent?: string };
}

/** The environment as a report holds it. */
export function environment(): object {
  const { process, navigator } = globalThis as Versions;
  const { name } = runtime;
  const version = process?.versions?.[name] ?? brand(navigator?.userAgent);
  const os = process?.platform && [process.platform, process.arch].filter(Boolean).join(" ");
  return {
    runtime: version === undefined ? name : `${name} ${version}`,
    os: os ?? null,
    browser: name === "browser",
  };
}

/** The browser's own name in what it calls itself. */
function brand(agent: string | undefined): string | undefined {
  const found = /(Firefox|Edg|Chrome|Version)\/(\d+)/.exec(agent ?? "");
  return found === null ? undefined : `${found[1]} ${found[2]}`;
}
