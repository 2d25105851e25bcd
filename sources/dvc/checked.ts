import { createHash } from 'node:crypto';
import { SourceRefused } from '../../contract/failures.ts';
import type { DvcOutput } from './output.ts';

/**
 * Hands bytes on, and fails at their end when they are not those their name promises.
 * @throws SourceRefused: what lies in the remote has been damaged
 */
export async function* checkedMd5(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
  { md5, old }: Pick<DvcOutput, 'md5' | 'old'>,
): AsyncGenerator<Uint8Array> {
  const [plain, unix] = [createHash('md5'), createHash('md5')];
  let held = ''; // a CR whose LF may begin the next chunk
  for await (const chunk of chunks) {
    plain.update(chunk);
    if (old) {
      const text = held + Buffer.from(chunk).toString('latin1');
      held = text.endsWith('\r') ? '\r' : '';
      const whole = held === '' ? text : text.slice(0, -1);
      unix.update(whole.replaceAll('\r\n', '\n'), 'latin1');
    }
    yield chunk;
  }
  unix.update(held, 'latin1');
  const found = plain.digest('hex');
  if (found === md5 || (old && unix.digest('hex') === md5)) return;
  throw new SourceRefused(
    `what the remote of ${source} has under ${md5} has other bytes (MD5 ${found}): run "dvc push" again where the file is whole`,
  );
}
