/** What several runtimes have in common. */

const decoder = new TextDecoder();

/** The bytes as text. */
export function text(chunks: readonly Uint8Array[]): string {
  if (chunks.length === 1) return decoder.decode(chunks[0]);
  const streaming = new TextDecoder();
  let text = "";
  for (const chunk of chunks) text += streaming.decode(chunk, { stream: true });
  return text + streaming.decode();
}

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

/** Calls back by way of a message to oneself: no timer is as quick. */
export function turn(then: () => void): void {
  waiting.push(then);
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => {
      for (const one of waiting.splice(0)) one();
    };
  }
  channel.port2.postMessage(null);
}

/** A variable of the environment, where the runtime has one and lets it be read. */
export function variable(name: string): string | undefined {
  try {
    const value = globalThis.process?.env?.[name]?.trim();
    return value === "" ? undefined : value;
  } catch {
    return undefined;
  }
}
