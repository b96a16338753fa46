// One request and the head of its reply, in as few crossings as may be: what the module asks for one by one
// takes longer to ask than to find out.

/**
 * Calls `fetch` with what `start` says for every request, this one's body and the controller's signal.
 * Answers `{ response, status, headers }`, where `headers` is one text, `name,value` to a line: neither names
 * nor values hold what ends them. The function may be a user's own, and answer with whatever it likes: what
 * cannot be read of that is left out.
 */
export function exchange(fetch, url, start, body, controller) {
  // Copies: a user's function may change what it is given.
  const init = { ...start, headers: { ...start.headers }, body, signal: controller.signal };
  // Not within the caller's turn: browsers note who calls `fetch`, and to find its way back through a module
  // of wasm takes Chromium, with its tools attached, nearly as long as all else about the request.
  return Promise.resolve(init).then(fetch.bind(undefined, url)).then(told);
}

function told(response) {
  const answer = { response, status: undefined, headers: "" };
  try {
    answer.status = response.status;
    for (const pair of response.headers) answer.headers += `${pair}\n`;
  } catch {
    // Whoever asked sees what is missing.
  }
  return answer;
}
