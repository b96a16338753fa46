/** Files for forms, made of what a program has at hand. */

import { KneepointError } from "../errors.ts";

/** Bytes. */
type Bytes = ArrayBuffer | ArrayBufferView;

/** What can be read as bytes: a `Blob`, or somebody else's. */
interface BlobLike {
  readonly type: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What came from the network: a `Response`, or somebody else's. */
export interface ResponseLike {
  url: string;
  blob(): Promise<BlobLike>;
}

/** What a file can be made of. A text is not among them, lest the file's path be taken for it. */
export type ToFileInput = BlobLike | ResponseLike | Bytes | AsyncIterable<BlobLike | Bytes | string>;

/** What stands for a file in a form. */
export type Uploadable = File | ResponseLike | (AsyncIterable<BlobLike | Bytes | string> & { path?: string | Uint8Array });

/**
 * A file of these contents. Its name, where none is given, is that of the file, the last part of the
 * response's address or of the path that a stream reads, or else `unknown_file`.
 */
export async function toFile(
  value: ToFileInput | PromiseLike<ToFileInput>,
  name?: string | null,
  options?: ConstructorParameters<typeof File>[2],
): Promise<File> {
  const given = await value;
  if (given instanceof File && isAsWanted(given, name, options)) return given;
  const contents: unknown = isResponse(given) ? await given.blob() : given;
  const pieces = await piecesOf(contents);
  const { type } = contents as Partial<BlobLike>;
  const { url, path, filename, name: own, lastModified } = given as unknown as { [field: string]: unknown };
  const known = [own, filename, url && decoded(lastOf(new URL(String(url)).pathname)), path].find(Boolean);
  const kept = {
    ...(typeof type === "string" ? { type } : {}),
    ...(typeof lastModified === "number" ? { lastModified } : {}),
  };
  // An empty name is one.
  return new File(pieces, name ?? (lastOf(String(known ?? "")) || "unknown_file"), { ...kept, ...options });
}

/** Whether a file is already what somebody wants to have made of it. */
function isAsWanted(
  file: File,
  name: string | null | undefined,
  { type, lastModified, endings }: NonNullable<ConstructorParameters<typeof File>[2]> = {},
): boolean {
  return (
    (name ?? file.name) === file.name &&
    (type ?? file.type) === file.type &&
    (lastModified ?? file.lastModified) === file.lastModified &&
    endings === undefined
  );
}

/** A part of an address as people read it, but for what a form cannot hold: line ends and quotes, which stay escaped
 * there, and what readers of forms take for them. */
function decoded(part = ""): string {
  try {
    const text = decodeURIComponent(part);
    return /%(?:0[ad]|22)/i.test(text) ? part : text.replace(/[\0-\x1f\x7f]/g, encodeURIComponent);
  } catch {
    return part;
  }
}

function isResponse(given: ToFileInput | null): given is ResponseLike {
  return typeof (given as Partial<ResponseLike> | null)?.blob === "function";
}

async function piecesOf(value: unknown): Promise<BlobPart[]> {
  const isPiece = [Blob, ArrayBuffer].some((Class) => value instanceof Class) || ArrayBuffer.isView(value);
  if (isPiece || typeof value === "string") return [value as BlobPart];
  const { arrayBuffer, [Symbol.asyncIterator]: iterator } = Object(value) as Partial<BlobLike & AsyncIterable<unknown>>;
  if (arrayBuffer !== undefined) return [await (value as BlobLike).arrayBuffer()];
  if (iterator === undefined) {
    throw new KneepointError("found something that no file can be made of, expected bytes or a stream of them", {
      kind: "config",
    });
  }
  const all: BlobPart[] = [];
  for await (const piece of value as AsyncIterable<unknown>) all.push(...(await piecesOf(piece)));
  return all;
}

function lastOf(path: string): string | undefined {
  return path.split(/[\\/]/).pop();
}
