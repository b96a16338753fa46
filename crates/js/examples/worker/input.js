// What visitors send: read within bounds, and refused with a word on what would be right.

/** Bytes of a body; a prompt in the address is bounded by the same. */
const BYTES_MAX = 256 * 1024;
/** Prompts of a batch: the requests that a Worker of the free plan may send for one visitor. */
const PROMPTS_MAX = 50;

/** Bytes that are read in vain: servers may cut off those whose body nobody has read, before they
 * have heard why. */
const READ_MAX = 4 * 1024 * 1024;

/** A request that is not served as it is. */
export class Refusal extends Error {
  constructor(status, code, advice, headers = {}) {
    super(advice);
    Object.assign(this, { status, code, headers });
  }
}

/** The address that is asked for. Visitors may name a host that there cannot be. */
export function addressOf(request) {
  try {
    return new URL(request.url);
  } catch {
    throw new Refusal(400, "bad_host", "the Host header is no host: send this endpoint's own");
  }
}

/** The prompt in the address, or else in the body. */
export async function promptOf(request, url) {
  const prompt = url.searchParams.get("prompt") ?? (await jsonOf(request)).prompt;
  check(prompt, "prompt");
  return prompt;
}

/** The prompts of a batch. */
export async function promptsOf(request) {
  const { prompts } = await jsonOf(request);
  if (!Array.isArray(prompts) || prompts.length === 0 || prompts.length > PROMPTS_MAX) {
    const advice = `send {"prompts": ["…", …]} with 1 to ${PROMPTS_MAX} of them`;
    throw new Refusal(400, "bad_prompts", advice);
  }
  prompts.forEach((prompt, index) => check(prompt, `prompts[${index}]`));
  return prompts;
}

function check(prompt, name) {
  if (typeof prompt !== "string" || prompt.trim() === "") {
    const advice = `${name} is ${prompt === undefined ? "missing" : "no text, or empty"}: send ?prompt=… or {"prompt": "…"}`;
    throw new Refusal(400, "bad_prompt", advice);
  }
  if (prompt.length > BYTES_MAX) throw tooLarge();
}

async function jsonOf(request) {
  const text = await textOf(request).catch((failure) => {
    throw failure instanceof Refusal ? failure : new Refusal(499, "visitor_left", "the body broke off");
  });
  try {
    const json = JSON.parse(text);
    if (json !== null && typeof json === "object") return json;
  } catch {
    // Then it is no JSON, which is said below.
  }
  if (text === "") throw new Refusal(400, "bad_prompt", 'the prompt is missing: send ?prompt=… or {"prompt": "…"}');
  throw new Refusal(400, "not_json", 'the body is no JSON object: send {"prompt": "…"}');
}

/** The body, of which no more is kept than may be sent. */
async function textOf(request) {
  const length = request.headers.get("content-length") ?? Infinity;
  if (length <= BYTES_MAX || request.body === null) return request.text();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > READ_MAX) break;
    if (bytes <= BYTES_MAX) text += decoder.decode(chunk, { stream: true });
  }
  if (bytes > BYTES_MAX) throw tooLarge();
  return text + decoder.decode();
}

/** Reads a body that nobody wants to know. */
export async function discard({ body, bodyUsed }) {
  if (body === null || bodyUsed) return;
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > READ_MAX) return;
  }
}

function tooLarge() {
  return new Refusal(413, "too_large", `send at most ${BYTES_MAX / 1024} KiB`);
}
