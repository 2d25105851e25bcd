import { manifestKey, objectKey, sha256 } from '../../store/hash.ts';
import type { Bucket } from '../../store/bucket.ts';
import { encodeDirectory, manifestSchema, type EncodedDirectory } from '../../store/manifest.ts';
import type { Ref } from '../../contract/ref.ts';
import type { Fault } from './problems.ts';

/** A directory as it is stored: what is wrong with its twins, and its files as far as they are known. */
export interface CheckedDirectory {
  faults: Fault[];
  /** With paths relative to the directory. */
  files: Ref[];
}

/** Reads a directory's manifest and its DVC twin, and holds each against the directory's reference. */
export async function checkDirectory(bucket: Bucket, ref: Ref): Promise<CheckedDirectory> {
  const { path } = ref;
  const key = manifestKey(ref.sha256);
  const twinKey = objectKey(ref.md5);
  const [stored, twin] = await Promise.all([bucket.get(key), bucket.get(twinKey)]);
  const faults: Fault[] = [];
  const fault = (state: Fault['state'], at: string, why: string): void => {
    faults.push({ state, path, key: at, md5: ref.md5, why });
  };
  if (twin === undefined) fault('missing', twinKey, 'DVC’s directory object is not there');
  if (stored === undefined) {
    fault('missing', key, 'no manifest stands there');
    return { faults, files: [] };
  }
  if (sha256(stored.bytes) !== ref.sha256) {
    fault('damaged', key, 'the manifest’s bytes do not match its SHA-256');
    return { faults, files: [] };
  }
  const { files, encoded } = decode(path, stored.bytes);
  if (encoded === undefined) fault('damaged', key, 'the manifest is not one of this program');
  else if (encoded.ref.md5 !== ref.md5 || encoded.ref.size !== ref.size)
    fault('damaged', key, 'the reference names another MD5 or size than its files come to');
  else if (twin !== undefined && !Buffer.from(encoded.dvcDir).equals(twin.bytes))
    fault('damaged', twinKey, 'DVC’s directory object does not list the manifest’s files');
  return { faults, files };
}

/** A manifest that hashes right but was not written by this program holds paths not to be trusted. */
function decode(
  path: string,
  bytes: Uint8Array,
): { files: Ref[]; encoded: EncodedDirectory | undefined } {
  try {
    const { files } = manifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return { files, encoded: encodeDirectory(path, files) };
  } catch {
    return { files: [], encoded: undefined };
  }
}
