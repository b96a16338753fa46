/**
 * Compressed bodies on Node, whose dispatcher hands them on as they come.
 *
 * We do not ask for them: packing a stream costs a server more than it saves. Some pack all the same,
 * and callers may ask with a header field of their own.
 */

// Under its own name it would meet the one of the banner that ES modules with CommonJS in them need from esbuild.
import { createRequire as requireFrom } from "node:module";
import type { Transform } from "node:stream";

type Zlib = typeof import("node:zlib");

/** Whatever can be read is handed on at once, and a body that ends early is no error here: whether an
 * answer is whole is told by what it says. */
const flushing = (operation: number): { flush: number; finishFlush: number } => ({
  flush: operation,
  finishFlush: operation,
});

const gunzip = (zlib: Zlib): Transform => zlib.createGunzip(flushing(zlib.constants.Z_SYNC_FLUSH));

const DECODERS = new Map<string, (zlib: Zlib) => Transform>([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", (zlib) => zlib.createInflate(flushing(zlib.constants.Z_SYNC_FLUSH))],
  ["br", (zlib) => zlib.createBrotliDecompress(flushing(zlib.constants.BROTLI_OPERATION_FLUSH))],
]);

/** What unpacks a body of this encoding; none where it comes as it is, or as nobody here knows. */
export function decoderOf(encoding: string | readonly string[] | undefined): Transform | undefined {
  const decoder = encoding === undefined ? undefined : DECODERS.get(String(encoding).trim().toLowerCase());
  // Loaded only where it is needed: few servers pack their answers. From where does not matter, a bundle may not
  // know where it lies, and bundlers warn of what they cannot read.
  return decoder?.(requireFrom("/")("node:zlib") as Zlib);
}
