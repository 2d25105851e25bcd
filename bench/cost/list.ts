import type { Bucket } from '../../store/bucket.ts';
import { sha256 } from '../../store/hash.ts';
import { Records } from '../../store/records.ts';
import { succeed } from '../../test/support/built.ts';
import type { Project } from '../../test/support/project.ts';
import { spreadOf, type Spread } from '../results.ts';

const VERSIONS = 10_000;
const ROUNDS = 5;

/** How long `list` takes over an index of many versions: to be read, and as a command. */
export async function listMany(
  project: Project,
  bucket: Bucket,
): Promise<{ versions: number; readMs: Spread; commandMs: Spread }> {
  const scores = {
    accuracy: 0.9312,
    balanced_accuracy: 0.9287,
    f1_macro: 0.9301,
    test_rows: 4_211,
  };
  const versions = Array.from({ length: VERSIONS }, (_, i) => ({
    version: i + 1,
    seq: 1,
    created_at: '2026-01-01T00:00:00.000Z',
    rows: 1_000 * (i + 1),
    metrics: { ...scores, new_batch_accuracy: 0.9 },
    model_version: String(i + 1),
    run_id: sha256(String(i)).slice(0, 32),
    ledger_revision: i + 1,
  }));
  const bytes = Buffer.from(JSON.stringify({ schema: 1, pipeline: 'many', versions }));
  await bucket.put('versions/many/index.json', bytes, { sha256: sha256(bytes) });
  const [readMs, commandMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    await new Records(bucket).list('many');
    const read = performance.now();
    await succeed(project.client('list', '--pipeline', 'many'));
    readMs.push(read - begun);
    commandMs.push(performance.now() - read);
  }
  return { versions: VERSIONS, readMs: spreadOf(readMs), commandMs: spreadOf(commandMs) };
}
