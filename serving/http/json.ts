import { BadData } from '../../contract/failures.ts';

/**
 * Parses a body of JSON. NaN and Infinity are read as Python's `json` writes them, although JSON has no such numbers:
 * NaN as null, because pandas writes missing values so.
 * @throws BadData when it is not JSON in UTF-8
 */
export function parseBody(body: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new BadData('the body is not UTF-8: send JSON in UTF-8', { cause });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    if (PYTHON_NUMBER.test(text))
      try {
        return JSON.parse(text.replace(TOKENS, replaceToken));
      } catch {
        // The first error has the right position.
      }
    throw new BadData(`the body is not JSON (${describeFault(error, text)}): correct it`, {
      cause: error,
    });
  }
}

const PYTHON_NUMBER = /NaN|Infinity/;

/** A string, closed or not, or a number that only Python writes. It never goes back over what it has matched. */
const TOKENS = /"[^"\\]*(?:\\[\s\S]?[^"\\]*)*"?|\bNaN\b|\bInfinity\b/g;

function replaceToken(token: string): string {
  if (token === 'NaN') return 'null';
  return token === 'Infinity' ? '1e999' : token;
}

/** Says where a fault is, as far as V8 says it. Its own message quotes the body, which may be secret. */
function describeFault(error: unknown, text: string): string {
  if (text.trim() === '') return 'it is empty';
  const message = String(error);
  const [, at] = /position (\d+)/.exec(message) ?? [];
  if (at !== undefined) {
    const before = text.slice(0, Number(at));
    return `line ${before.split('\n').length}, character ${Number(at) - before.lastIndexOf('\n')}`;
  }
  const [, token] = /Unexpected token '(.{1,2})'/su.exec(message) ?? [];
  return token === undefined ? 'it ends too early' : `unexpected ${JSON.stringify(token)}`;
}
