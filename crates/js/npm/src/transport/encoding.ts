/**
 * Compressed bodies on Node, whose dispatcher hands them on as they come.
 *
 * We do not ask for them: packing a stream costs a server more than it saves. Some pack all the same,
 * and callers may ask with a header field of their own.
 */

import type { Transform } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

/** Whatever can be read is handed on at once, and a body that ends early is no error here: whether an
 * answer is whole is told by what it says. */
const FLUSH = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

const FLUSH_BROTLI = {
  flush: constants.BROTLI_OPERATION_FLUSH,
  finishFlush: constants.BROTLI_OPERATION_FLUSH,
};

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(FLUSH),
  "x-gzip": () => createGunzip(FLUSH),
  deflate: () => createInflate(FLUSH),
  br: () => createBrotliDecompress(FLUSH_BROTLI),
};

/** What unpacks a body of this encoding; none where it comes as it is, or as nobody here knows. */
export function decoderOf(encoding: string | readonly string[] | undefined): Transform | undefined {
  if (encoding === undefined) return undefined;
  return DECODERS[String(encoding).trim().toLowerCase()]?.();
}
