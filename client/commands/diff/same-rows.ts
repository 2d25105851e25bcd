import { tmpdir } from 'node:os';
import { scoreOther, toComparisonFacts } from '../../../compute/compare.ts';
import { modelTypeOf } from '../../../contract/defaults.ts';
import { BadData, DamagedArtifact } from '../../../contract/failures.ts';
import { findMetricSet } from '../../../contract/metric-sets.ts';
import { findStage, type Comparison, type StageInputs } from '../../../contract/stages.ts';
import type { Store } from '../../../store/index.ts';
import { readParams } from '../../../store/record-check.ts';
import { withOwnFolder } from '../../../store/own-folder.ts';
import { stageKey } from '../../../store/stage-cache.ts';
import { identityOf } from '../../../store/stage-identity.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { computeHere } from '../pending/looking.ts';

/** The scores of two builds on the test rows of one of them. */
export interface SameRows {
  rows: number;
  /** The build whose rows they are: `2.1`. */
  of: string;
  scores: Record<string, SameRowScore>;
}

interface SameRowScore {
  old: number;
  new: number;
  /** New minus old. */
  diff: number;
  /** What a test says of the new build, where there is one. */
  verdict?: 'better' | 'worse' | 'within noise';
}

const OPPOSITE = { better: 'worse', worse: 'better', 'within noise': 'within noise' } as const;

/**
 * Compares two builds on the test rows of the one with more batches. A run has usually done it already; otherwise the
 * other model is scored here.
 * @returns null where no score differs, there are no test rows, or the other model cannot be read or score them
 */
export async function compareOnSameRows(
  store: Pick<Store, 'artifacts' | 'cache'>,
  before: VersionRecord,
  after: VersionRecord,
): Promise<SameRows | null> {
  const isAfter = after.version >= before.version;
  const [own, other] = isAfter ? [after, before] : [before, after];
  const facts = await readComparison(store, own, other);
  const rows = facts?.['rows'];
  if (facts === null || typeof rows !== 'number' || rows === 0) return null;
  const scores = findMetricSet(own.metrics).shown.flatMap((name) => {
    const [ours, theirs] = [own.metrics[name], facts[name]];
    if (ours === undefined || typeof theirs !== 'number') return [];
    const verdict = facts[`${name}_change`] as keyof typeof OPPOSITE | null | undefined;
    const [old, now] = isAfter ? [theirs, ours] : [ours, theirs];
    const said = verdict == null ? {} : { verdict: isAfter ? verdict : OPPOSITE[verdict] };
    return [[name, { old, new: now, diff: now - old, ...said }] as const];
  });
  if (scores.every(([, { diff }]) => diff === 0)) return null;
  return { rows, of: `${own.version}.${own.seq}`, scores: Object.fromEntries(scores) };
}

async function readComparison(
  { artifacts, cache }: Pick<Store, 'artifacts' | 'cache'>,
  own: VersionRecord,
  other: VersionRecord,
): Promise<Comparison['facts'] | null> {
  const known = own.comparisons.find(
    ({ version, seq }) => version === other.version && seq === other.seq,
  );
  if (known !== undefined) return known.facts;
  const inputs = findInputs(own, other);
  if (inputs === undefined) return null;
  const params = readParams(own);
  const type = modelTypeOf(params.model);
  const otherType = modelTypeOf(readParams(other).model);
  const call = { batch: own.version, params, inputs, detail: { otherType } };
  const entry = await cache.read('compare', stageKey(identityOf('compare', call)));
  if (entry !== undefined) return entry.facts;
  try {
    return await withOwnFolder(tmpdir(), 'models', async (folder) => {
      const of = { type, otherType, split: params.split, folder };
      const deps = { artifacts, compute: computeHere };
      return toComparisonFacts(await scoreOther(deps, inputs, of, new AbortController().signal));
    });
  } catch (error) {
    if (error instanceof BadData || error instanceof DamagedArtifact) return null;
    throw error;
  }
}

function findInputs(own: VersionRecord, other: VersionRecord): StageInputs<'compare'> | undefined {
  const { model, encoder, test } = findStage(own.stages, 'evaluate')?.inputs ?? {};
  const { train } = findStage(own.stages, 'preprocess')?.outputs ?? {};
  const theirs = findStage(other.stages, 'train');
  const { model: otherModel, encoder: otherEncoder } = theirs?.outputs ?? {};
  const otherTrain = theirs?.inputs.train;
  return model && encoder && test && train && otherModel && otherEncoder && otherTrain
    ? { model, encoder, test, train, otherModel, otherEncoder, otherTrain }
    : undefined;
}
