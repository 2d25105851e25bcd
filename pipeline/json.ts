import { BadData, messageOf } from '../contract/failures.ts';
import { canonicalJson } from '../contract/canonical-json.ts';

/** The canonical JSON of a value as UTF-8. */
export function toJsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value));
}

/**
 * Reads a document that carries a `schema`.
 * @param what names the document in errors, such as "the encoder of version 3"
 * @param newest the newest schema that this program reads; it reads the earlier ones too
 * @throws BadData when the bytes are not a JSON object, or have another schema
 */
export function fromJsonBytes(bytes: Uint8Array, what: string, newest = 1): unknown {
  const document = parseJson(bytes, what) as { schema?: unknown } | null;
  const schema = typeof document === 'object' ? document?.schema : undefined;
  if (typeof schema !== 'number' || !(schema >= 1 && schema <= newest)) {
    throw new BadData(
      `${what} has schema ${JSON.stringify(schema) ?? 'none'} where this release reads schema ${newest}: ` +
        'run the release that wrote it, or build the version again',
    );
  }
  return document;
}

/**
 * Parses UTF-8 JSON.
 * @param what names the document in errors
 * @throws BadData when the bytes are not JSON
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BadData(`${what} is not JSON (${messageOf(error)}): build the version again`, {
      cause: error,
    });
  }
}
