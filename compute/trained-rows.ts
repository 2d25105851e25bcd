import type { Ref } from '../contract/ref.ts';
import { mergeFlags, type TestRowsCheck } from '../pipeline/scoring/leakage.ts';
import type { Compute } from './pool.ts';

/** Train parts are read in groups of about this size, so that memory does not hold all of them. */
const GROUP_BYTES = 32e6;

/**
 * Finds the rows of some parts that are equal to a row of some train parts.
 * @param of.rows Arrow files
 * @param of.train one or several lists of train parts
 * @param of.encoders of the models that are scored on these rows
 * @returns for each list of train parts, what was found
 * @throws DamagedArtifact when a train part is missing from the bucket or has changed
 */
export async function findTrainedRows(
  {
    artifacts,
    compute,
  }: { artifacts: { getPart: (ref: Ref) => Promise<Uint8Array> }; compute: Compute },
  of: {
    rows: readonly Uint8Array[];
    train: readonly (readonly Ref[])[];
    encoders: readonly Uint8Array[];
  },
  signal: AbortSignal,
): Promise<TestRowsCheck[]> {
  const input = { parts: [...of.rows], encoders: [...of.encoders] };
  const { hashes, derived } = await compute('hashParts', input, signal);
  const checks: TestRowsCheck[] = [];
  for (const refs of of.train) {
    let trained = hashes.map(({ low }) => new Uint8Array(low.length));
    let checked = 0;
    for (const group of groupBySize(refs)) {
      const parts = await Promise.all(group.map((ref) => artifacts.getPart(ref)));
      const found = await compute('findTrained', { rows: hashes, parts, derived }, signal);
      trained = mergeFlags(trained, found.trained);
      checked += found.checked;
    }
    checks.push({ trained, checked });
  }
  return checks;
}

function groupBySize(refs: readonly Ref[]): Ref[][] {
  const groups: Ref[][] = [];
  let bytes = Infinity;
  for (const ref of refs) {
    if (bytes + ref.size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(ref);
    bytes += ref.size;
  }
  return groups;
}
