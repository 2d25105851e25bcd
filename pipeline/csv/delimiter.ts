import { Buffer } from 'node:buffer';
import { BadData } from '../../contract/failures.ts';
import { quote } from './quote.ts';

/** What separates cells in the tables people have, the likelier first. */
const USUAL = [';', '\t', ',', '|'];

/**
 * Checks that a table's header holds the delimiter: one that does not would be a single column, and its
 * rows would fail for reasons that lead nowhere.
 * @throws BadData naming the delimiter it seems to have
 */
export function checkDelimiter(bytes: Uint8Array, file: string, delimiter: string): void {
  const [header = ''] = Buffer.from(bytes.subarray(0, 65_536))
    .toString('utf8')
    .split(/[\r\n]/, 1);
  if (header.includes(delimiter)) return;
  const other = USUAL.find((one) => header.includes(one));
  if (other === undefined) return;
  throw new BadData(
    `${file} has a single column, ${quote(header)}, when it is cut at ${JSON.stringify(delimiter)}: set data.delimiter to ${JSON.stringify(other)}`,
  );
}
