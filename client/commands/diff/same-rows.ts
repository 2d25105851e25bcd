import { tmpdir } from 'node:os';
import { scoreOther, toComparisonFacts } from '../../../compute/compare.ts';
import { modelTypeOf } from '../../../contract/defaults.ts';
import { BadData, DamagedArtifact } from '../../../contract/failures.ts';
import { compareScore, findMetricSet } from '../../../contract/metric-sets.ts';
import { findStage, type Comparison, type StageInputs } from '../../../contract/stages.ts';
import { isSameBuild, nameBuild } from '../../../contract/versions.ts';
import { findModel } from '../../../store/champion-call.ts';
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
  /** Test rows of that build that are left out, because the other one was trained on equal rows. */
  leftOut: number;
  scores: Record<string, SameRowScore>;
}

type Interval = [low: number, high: number] | null;

interface SameRowScore {
  old: number;
  new: number;
  /** At 95 %; null where the score has none. */
  oldInterval: Interval;
  newInterval: Interval;
  /** New minus old. */
  diff: number;
  /** What a test says of the new build, where there is one. */
  verdict?: 'better' | 'worse' | 'within noise';
}

const OPPOSITE = { better: 'worse', worse: 'better', 'within noise': 'within noise' } as const;

/**
 * Compares two builds on the test rows of the one with more batches. A run has usually done it already; otherwise the
 * other model is scored here.
 * @returns null for one and the same build, and where there are no test rows, or the other model cannot be read or score
 *   them
 */
export async function compareOnSameRows(
  store: Pick<Store, 'artifacts' | 'cache'>,
  before: VersionRecord,
  after: VersionRecord,
): Promise<SameRows | null> {
  if (isSameBuild(before, after)) return null;
  const isAfter = after.version >= before.version;
  const [own, other] = isAfter ? [after, before] : [before, after];
  const facts = await readComparison(store, own, other);
  const rows = facts?.['rows'];
  if (facts === null || typeof rows !== 'number' || rows === 0) return null;
  const leftOut = Number(facts['left_out'] ?? 0);
  const ours = pickOwn(own.metrics, facts);
  const scores = findMetricSet(own.metrics).shown.flatMap((name) => {
    const change = compareScore(name, own.metrics[name], facts);
    if (change === undefined) return [];
    const { now: mine, before: theirs } = change;
    const intervals = [readInterval(facts, name), readInterval(ours, name)] as const;
    const [old, now] = isAfter ? [theirs, mine] : [mine, theirs];
    const [oldInterval, newInterval] = isAfter ? intervals : [intervals[1], intervals[0]];
    const verdict = facts[`${name}_change`] as keyof typeof OPPOSITE | null | undefined;
    const said = verdict == null ? {} : { verdict: isAfter ? verdict : OPPOSITE[verdict] };
    const score = { old, new: now, oldInterval, newInterval, diff: now - old, ...said };
    return [[name, score] as const];
  });
  return { rows, of: nameBuild(own), leftOut, scores: Object.fromEntries(scores) };
}

/** The scores of our model on the rows that are compared. Where there are none, these are all its test rows. */
function pickOwn(metrics: VersionRecord['metrics'], facts: Comparison['facts']): object {
  const own = Object.entries(facts).flatMap(([name, value]) =>
    name.startsWith('own_') ? [[name.slice('own_'.length), value] as const] : [],
  );
  return own.length === 0 ? metrics : Object.fromEntries(own);
}

function readInterval(scores: object, name: string): Interval {
  const { [`${name}_low`]: low, [`${name}_high`]: high } = scores as Record<string, unknown>;
  return typeof low === 'number' && typeof high === 'number' ? [low, high] : null;
}

async function readComparison(
  { artifacts, cache }: Pick<Store, 'artifacts' | 'cache'>,
  own: VersionRecord,
  other: VersionRecord,
): Promise<Comparison['facts'] | null> {
  const known = own.comparisons.find((one) => isSameBuild(one, other));
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
  const theirs = findModel(other);
  if (!model || !encoder || !test || !train || !theirs) return undefined;
  const [otherModel, otherEncoder, otherTrain] = [theirs.model, theirs.encoder, theirs.train];
  return { model, encoder, test, train, otherModel, otherEncoder, otherTrain };
}
