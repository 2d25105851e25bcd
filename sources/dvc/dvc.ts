import { createHash } from 'node:crypto';
import { SourceRefused } from '../../contract/failures.ts';
import { readOutput, readRemote, type DvcOutput } from './repository.ts';
import { localPath } from '../file.ts';
import { inBucket, openObject } from '../s3.ts';
import type { OpenKind } from '../source.ts';

/**
 * Opens what a `.dvc` file names, by its hash, from the S3 remote of the repository it lies in. File and
 * configuration are read where they are: by the client of the person whose repository it is, else by a
 * worker that has it in its project folder. Credentials are the environment's, never the repository's.
 */
export const openDvc: OpenKind = async (source, options) => {
  const file = await localPath(source, options, source.slice('dvc://'.length));
  const output = await readOutput(file, source);
  const etag = `md5:${output.md5}`;
  if (options.known?.etag === etag) return undefined;
  const { bucket, prefix, ...place } = await readRemote(file, source, output.remote);
  const { md5, layouts } = output;
  return inBucket({ ...options.s3, ...place, bucket }, async (remote) => {
    for (const layout of layouts) {
      const key = `${prefix}${layout}${md5.slice(0, 2)}/${md5.slice(2)}`;
      const object = await openObject(remote, key, { name: source, limits: options.limits });
      if (object === 'missing' || object === 'same') continue;
      const chunks = checkedMd5(object.chunks, source, output);
      return { ...object, chunks, stamp: { etag, modified: null } };
    }
    throw new SourceRefused(
      `${source} names ${md5}, which its remote s3://${bucket}/${prefix} on ${remote.location.endpoint ?? 'AWS S3'} does not have: run "dvc push" where the file is`,
    );
  });
};

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
