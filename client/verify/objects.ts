import { objectKey } from '../../store/hash.ts';
import type { Bucket } from '../../store/bucket.ts';
import { digestObject } from '../../store/download.ts';
import { inParallel } from '../../store/parallel.ts';
import type { Ref } from '../../contract/ref.ts';
import { VersionSet } from '../../store/version-set.ts';
import type { Meter } from '../meter.ts';
import type { Problems } from './problems.ts';

/** Objects read at once: enough to hide the way to the server and back, few enough for its disks. */
const AT_ONCE = 8;

interface Expected {
  ref: Ref;
  versions: VersionSet;
  /** What a run is told of, for the object to be made again. */
  told: string;
}

/** The files that versions are made of, each once however many versions it is in. */
export class Inventory {
  readonly #expected = new Map<string, Expected>();
  /** Bytes of all of them. */
  bytes = 0;

  /** @param told the MD5 that a run is told of where this object is gone: its own unless given */
  add(ref: Ref, version?: number, told: string = ref.md5): void {
    const name = `${ref.md5} ${ref.sha256} ${ref.size}`;
    let expected = this.#expected.get(name);
    if (expected === undefined) {
      expected = { ref, versions: new VersionSet(), told };
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

/** Reads every file to its end and compares what came with what its references promise. */
export async function readObjects(
  bucket: Bucket,
  inventory: Inventory,
  problems: Problems,
  meter: Meter,
): Promise<void> {
  const read = async ({ ref, versions, told: md5 }: Expected): Promise<void> => {
    const { path } = ref;
    const key = objectKey(ref.md5);
    const counted = async (): Promise<(chunk: Uint8Array) => void> => (chunk) =>
      meter.add(chunk.byteLength);
    const found = await digestObject(bucket, { key, sha256: ref.sha256 }, counted);
    if (found === undefined)
      problems.add({ state: 'missing', path, key, md5, why: 'no object stands there' }, versions);
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
