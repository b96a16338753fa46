/** Files for forms, made of what a program has at hand. */

import { KneepointError } from "../errors.ts";

/** A piece of a file. */
type Piece = Blob | ArrayBuffer | ArrayBufferView | string;

/** What a file can be made of. */
export type ToFileInput = File | Response | Piece | AsyncIterable<Piece>;

/** What stands for a file in a form. */
export type Uploadable = File | Response | (AsyncIterable<Piece> & { path?: string | Uint8Array });

/**
 * A file of these contents. Its name, where none is given, is that of the file, the last part of the
 * response's address or of the path that a stream reads, or else `unknown_file`.
 */
export async function toFile(
  value: ToFileInput | PromiseLike<ToFileInput>,
  name?: string | null,
  options?: FilePropertyBag,
): Promise<File> {
  const given = await value;
  if (given instanceof File) return given;
  const pieces = given instanceof Response ? [await given.blob()] : await piecesOf(given);
  const { url, path, filename, name: own } = given as unknown as { [field: string]: unknown };
  const known = [own, filename, path, url && new URL(String(url)).pathname].find(Boolean);
  const type = (pieces[0] as Blob | undefined)?.type;
  return new File(pieces as BlobPart[], name || lastOf(String(known ?? "")) || "unknown_file", {
    ...(type ? { type } : {}),
    ...options,
  });
}

async function piecesOf(value: Piece | AsyncIterable<Piece>): Promise<Piece[]> {
  const isPiece = typeof value === "string" || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  if (isPiece || value instanceof Blob) return [value];
  if (!(value instanceof Object && Symbol.asyncIterator in value)) {
    throw new KneepointError("found something that no file can be made of, expected bytes, text or a stream of them", {
      kind: "config",
    });
  }
  const all: Piece[] = [];
  for await (const piece of value) all.push(...(await piecesOf(piece)));
  return all;
}

function lastOf(path: string): string | undefined {
  return path.split(/[\\/]/).pop();
}
