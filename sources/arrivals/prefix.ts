import { BadData, DamagedArtifact } from '../../contract/failures.ts';
import type { Bucket, BucketOptions } from '../../store/bucket.ts';
import { openBucket } from '../../store/index.ts';
import { parsePrefix } from '../identity.ts';
import { isDataFile, type Place, type SeenFile } from './place.ts';

/**
 * Opens a prefix of a bucket on the S3 server of sources. Only objects directly under it count. S3 lists an object
 * only when it is whole, so no object is still being written.
 */
export function openPrefix(source: string, storage: BucketOptions): Place {
  const { bucket, prefix } = parsePrefix(source);
  const within = async <T>(use: (opened: Bucket) => Promise<T>): Promise<T> => {
    const opened = openBucket({ ...storage, bucket });
    try {
      return await use(opened);
    } finally {
      opened.close();
    }
  };
  return {
    where: source,
    list: () =>
      within(async (opened) => {
        if (!(await opened.exists()))
          throw new BadData(
            `data.source ${source} cannot be listed: there is no bucket ${bucket} on ${storage.endpoint ?? 'AWS S3'}`,
          );
        const files: SeenFile[] = [];
        for await (const { key, size, modified } of opened.list(prefix)) {
          const name = key.slice(prefix.length);
          if (name.includes('/') || !isDataFile(name)) continue;
          files.push({ name, size, stamp: `${size}-${modified.getTime()}` });
        }
        return { files, writing: [] };
      }),
    read: ({ name, size }) =>
      within(async (opened) => {
        try {
          const stored = await opened.get(`${prefix}${name}`, size);
          if (stored === undefined) throw new BadData('it was removed after it was listed');
          return stored.bytes.byteLength === size ? stored.bytes : undefined;
        } catch (error) {
          if (error instanceof DamagedArtifact) return undefined; // it has grown since
          throw error;
        }
      }),
  };
}
