import type { Meter } from '../../meter.ts';
import type { Ref } from '../../../contract/ref.ts';
import { DamagedArtifact } from '../../../contract/failures.ts';
import type { Bucket, StoredObject } from '../../../store/bucket.ts';
import { MOST_LISTING } from '../../../store/documents.ts';
import { digestObject } from '../../../store/download.ts';
import { objectKey, manifestKey, sha256 } from '../../../store/hash.ts';
import { encodeDirectory, manifestSchema, type EncodedDirectory } from '../../../store/manifest.ts';
import { inParallel } from '../../../store/parallel.ts';
import { VersionSet } from '../../../store/version-set.ts';
import type { Problems, Fault } from './problems.ts';

/** How many objects are read at the same time: enough to hide the server's latency, few enough for its disks. */
const AT_ONCE = 8;

interface Expected {
  ref: Ref;
  versions: VersionSet;
  /** The MD5 by which a run is asked to make the object again. */
  askedBy: string;
}

/** The files of all versions, each once even if several versions need it. */
export class Inventory {
  readonly #expected = new Map<string, Expected>();
  /** Bytes of all of them. */
  bytes = 0;

  /** @param askedBy the MD5 by which a run is asked to make this object again: its own unless given */
  add(ref: Ref, version?: number, askedBy: string = ref.md5): void {
    const name = `${ref.md5} ${ref.sha256} ${ref.size}`;
    let expected = this.#expected.get(name);
    if (expected === undefined) {
      expected = { ref, versions: new VersionSet(), askedBy };
      this.#expected.set(name, expected);
      this.bytes += ref.size;
    }
    if (version !== undefined) expected.versions.add(version);
  }

  get size(): number {
    return this.#expected.size;
  }

  all(): Iterable<Expected> {
    return this.#expected.values();
  }
}

/** Reads every file to its end and compares it with its references. */
export async function readObjects(
  bucket: Bucket,
  inventory: Inventory,
  problems: Problems,
  meter: Meter,
): Promise<void> {
  const read = async ({ ref, versions, askedBy: md5 }: Expected): Promise<void> => {
    const { path } = ref;
    const key = objectKey(ref.md5);
    const counted = async (): Promise<(chunk: Uint8Array) => void> => (chunk) =>
      meter.add(chunk.byteLength);
    const found = await digestObject(bucket, { key, sha256: ref.sha256 }, counted);
    if (found === undefined)
      problems.add({ state: 'missing', path, key, md5, why: 'the object is not there' }, versions);
    else if (found.sha256 !== ref.sha256)
      problems.add(
        { state: 'damaged', path, key, md5, why: 'its bytes do not match its SHA-256' },
        versions,
      );
    else if (found.size !== ref.size)
      problems.add(
        { state: 'damaged', path, key, md5, why: 'its reference names another size' },
        versions,
      );
  };
  await inParallel(inventory.all(), AT_ONCE, read);
}

/** The faults of a stored directory, and its files if they can be read. */
export interface CheckedDirectory {
  faults: Fault[];
  /** With paths relative to the directory. */
  files: Ref[];
}

/** Reads a directory's manifest and its `.dir` for DVC, and compares both with the directory's reference. */
export async function checkDirectory(bucket: Bucket, ref: Ref): Promise<CheckedDirectory> {
  const { path } = ref;
  const key = manifestKey(ref.sha256);
  const twinKey = objectKey(ref.md5);
  const faults: Fault[] = [];
  const get = (at: string): Promise<StoredObject | undefined> =>
    bucket.get(at, MOST_LISTING).catch((error: unknown) => {
      if (!(error instanceof DamagedArtifact)) throw error;
      return { bytes: new Uint8Array(0), etag: '' }; // it matches no hash
    });
  const [stored, twin] = await Promise.all([get(key), get(twinKey)]);
  const fault = (state: Fault['state'], at: string, why: string): void => {
    faults.push({ state, path, key: at, md5: ref.md5, why });
  };
  if (twin === undefined) fault('missing', twinKey, 'DVC’s directory object is not there');
  if (stored === undefined) {
    fault('missing', key, 'the manifest is not there');
    return { faults, files: [] };
  }
  if (sha256(stored.bytes) !== ref.sha256) {
    fault('damaged', key, 'the manifest’s bytes do not match its SHA-256');
    return { faults, files: [] };
  }
  const { files, encoded } = decode(path, stored.bytes);
  if (encoded === undefined) fault('damaged', key, 'this program did not write the manifest');
  else if (encoded.ref.md5 !== ref.md5 || encoded.ref.size !== ref.size)
    fault('damaged', key, 'the reference names another MD5 or size than its files have');
  else if (twin !== undefined && !Buffer.from(encoded.dvcDir).equals(twin.bytes))
    fault('damaged', twinKey, 'DVC’s directory object does not list the manifest’s files');
  return { faults, files };
}

/** Decodes a manifest. One with the right hash that this program did not write can hold paths that are not safe. */
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
