import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BadData, RetrainError } from '../contract/failures.ts';
import { tooLarge } from './source.ts';

/** How a source's bytes are turned into text. */
export interface TextOptions {
  /** The name of the source, for messages. */
  name: string;
  encoding: Encoding;
  /** The largest size in bytes, before and after decompression. */
  limit: number;
}

/** Files that are given by mistake instead of text, by their first bytes. */
const OTHERS: [magic: number[], what: string][] = [
  [[0x50, 0x4b, 3, 4], 'is a zip archive or a workbook: export it as CSV text first'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'is an old workbook: export it as CSV text first'],
  [[0xff, 0xfe], 'is UTF-16: convert it to UTF-8 first'],
  [[0xfe, 0xff], 'is UTF-16: convert it to UTF-8 first'],
  [[0x42, 0x5a, 0x68], 'is compressed with bzip2: only gzip is read, so bunzip2 it first'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'is compressed with xz: only gzip is read, so unxz it first'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is compressed with zstd: only gzip is read, so unzstd it first'],
  [[0x50, 0x41, 0x52, 0x31], 'is a Parquet file: export it as CSV text first'],
];

const GZIP = [0x1f, 0x8b];
const UTF8_MARK = [0xef, 0xbb, 0xbf];
const LONGEST = 5;

/**
 * Returns a source's text as UTF-8. Gzip is decompressed, and Latin-1 is converted.
 * @throws BadData when it is a file of another kind, SourceRefused when it is too large
 */
export async function* readText(
  chunks: AsyncIterable<Uint8Array>,
  options: TextOptions,
): AsyncGenerator<Uint8Array> {
  const { name, encoding, limit } = options;
  const raw = await peek(bounded(chunks));
  const plain = startsWith(raw.start, GZIP) ? await peek(bounded(gunzip(raw.chunks, name))) : raw;
  const other = OTHERS.find(([magic]) => startsWith(plain.start, magic));
  if (other !== undefined) throw new BadData(`${name} ${other[1]}`);
  if (encoding === 'latin1' && startsWith(plain.start, UTF8_MARK))
    throw new BadData(
      `${name} starts with the mark of UTF-8: convert it to Latin-1, or, if no batch of the pipeline has been cut yet, set data.encoding to utf-8`,
    );
  for await (const chunk of plain.chunks) yield encoding === 'latin1' ? toUtf8(chunk) : chunk;

  async function* bounded(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.byteLength;
      if (size > limit) throw tooLarge(name, limit);
      yield chunk;
    }
  }
}

async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  const stream = createGunzip();
  pipeline(Readable.from(chunks), stream, () => undefined); // a failure ends the loop below
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof RetrainError) throw error;
    throw new BadData(
      `${name} is not a complete gzip file (${(error as Error).message}): compress it again`,
      { cause: error },
    );
  }
}

/** Returns the first bytes of a stream, and the stream from its beginning. */
async function peek(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ start: Uint8Array; chunks: AsyncGenerator<Uint8Array> }> {
  const held: Uint8Array[] = [];
  let size = 0;
  while (size < LONGEST) {
    const next = await chunks.next();
    if (next.done === true) break;
    held.push(next.value);
    size += next.value.byteLength;
  }
  return { start: Buffer.concat(held), chunks: concat(held, chunks) };
}

async function* concat(
  held: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* held;
  yield* rest;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/** The encodings that a source may have. */
export type Encoding = 'utf-8' | 'latin1';

/**
 * The characters of 0x80–0x9f in Windows-1252, which Windows and the web call Latin-1. Latin-1 itself has
 * control characters there. https://encoding.spec.whatwg.org/index-windows-1252.txt
 */
const HIGH = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Converts Latin-1 to UTF-8. Each byte is one character, so chunks may end anywhere. */
export function toUtf8(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  // eslint-disable-next-line no-control-regex
  return Buffer.from(text.replace(/[\x80-\x9f]/g, (char) => HIGH[char.charCodeAt(0) - 0x80]!));
}
