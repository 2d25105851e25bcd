/** The encodings a source may have. */
export type Encoding = 'utf-8' | 'latin1';

/**
 * What stands at 0x80–0x9f: Latin-1 has control characters there, and what calls itself Latin-1 on
 * Windows and the web has these. https://encoding.spec.whatwg.org/index-windows-1252.txt
 */
const HIGH = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** Bytes of Latin-1 as UTF-8. Each byte is a character, so chunks can be cut anywhere. */
export function toUtf8(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  // eslint-disable-next-line no-control-regex
  return Buffer.from(text.replace(/[\x80-\x9f]/g, (char) => HIGH[char.charCodeAt(0) - 0x80]!));
}
