import { createHash } from 'node:crypto';
import { SourceRefused } from '../../contract/failures.ts';
import { readOutput, readRemote, type DvcOutput } from './repository.ts';
import { resolveLocalPath } from '../file.ts';
import { openInBucket, openObject } from '../s3.ts';
import type { OpenKind } from '../source.ts';

/**
 * Opens the output of a `.dvc` file, by its hash, from the S3 remote of its repository. The client reads the file
 * and the configuration if it has them, or else a worker that has them in its project folder. Credentials come from
 * the environment and never from the repository.
 */
export const openDvc: OpenKind = async (source, options) => {
  const file = await resolveLocalPath(source, options, source.slice('dvc://'.length));
  const output = await readOutput(file, source);
  const etag = `md5:${output.md5}`;
  if (options.known?.etag === etag) return undefined;
  const { bucket, prefix, ...place } = await readRemote(file, source, output.remote);
  const { md5, layouts } = output;
  return openInBucket({ ...options.s3, ...place, bucket }, async (remote) => {
    for (const layout of layouts) {
      const key = `${prefix}${layout}${md5.slice(0, 2)}/${md5.slice(2)}`;
      const object = await openObject(remote, key, { name: source, limits: options.limits });
      if (object === 'missing' || object === 'same') continue;
      const chunks = checkMd5(object.chunks, source, output);
      return { ...object, chunks, stamp: { etag, modified: null } };
    }
    throw new SourceRefused(
      `${source} names ${md5}, which its remote s3://${bucket}/${prefix} on ${remote.location.endpoint ?? 'AWS S3'} does not have: run "dvc push" in its repository`,
    );
  });
};

/**
 * Passes bytes on, and checks their MD5 at the end.
 * @throws SourceRefused when the object in the remote is damaged
 */
export async function* checkMd5(
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
    `the object ${md5} in the remote of ${source} is damaged (its MD5 is ${found}): run "dvc push" again where the file is whole`,
  );
}
