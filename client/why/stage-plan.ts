import type { StageName } from '../../contract/stages.ts';
import { identityOf, type StageDefinition } from '../../activities/stage.ts';
import type { Params } from '../../contract/params.ts';
import type { Store } from '../../store/index.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import type { Ref } from '../../contract/ref.ts';
import { stageKey, type CacheEntry } from '../../store/stage-cache.ts';
import { differencesOf } from '../compare/identity.ts';
import { producerOf, type Origin } from './origin.ts';
import type { Reason } from './reason.ts';

/** What a run would do about one stage. */
export interface StagePlan extends Origin {
  stage: StageName;
  state: 'cached' | 'run';
  /** Its cache key; null while an input is not known. */
  key: string | null;
}

/** A stage's input: what it is, or why it cannot be known. */
export type Input = Ref | Reason;

/** A stage's plan, and its outputs as inputs of later stages. */
export interface Planned {
  plan: StagePlan;
  entry: CacheEntry | undefined;
  output: (name: string) => Input;
}

/** What a plan is made against. */
export interface PlanContext {
  cache: Pick<Store['cache'], 'lookUp'>;
  batch: number;
  params: Params;
  /** The latest record of the version; undefined when it has not been built. */
  last: VersionRecord | undefined;
}

/** Whether a stage would be taken from the cache, and if not, what differs from the last time. */
export async function planStage(
  context: PlanContext,
  definition: StageDefinition,
  inputs: Record<string, Input>,
): Promise<Planned> {
  const { batch, params, last } = context;
  const known = Object.entries(inputs).filter((entry): entry is [string, Ref] => isRef(entry[1]));
  const identity = identityOf(definition, { batch, params, inputs: Object.fromEntries(known) });
  const key = known.length === Object.keys(inputs).length ? stageKey(identity) : null;
  const found = key === null ? undefined : await context.cache.lookUp(definition.name, key);
  const stage = definition.name as StageName;
  if (found !== undefined) {
    const because: Reason[] = found.missing.map(({ path }) => ({ kind: 'missing', path }));
    const isWhole = because.length === 0;
    return {
      plan: {
        stage,
        state: isWhole ? 'cached' : 'run',
        key,
        cachedFrom: isWhole ? producerOf(found.entry) : null,
        because,
      },
      entry: found.entry,
      // Outputs that are gone come out the same when they are made again.
      output: (name) => found.entry.outputs[name]!,
    };
  }
  const before = last?.stages.find((ran) => ran.stage === stage);
  const because: Reason[] =
    before === undefined
      ? [{ kind: 'new' }, ...unknown(inputs).filter(({ kind }) => kind === 'looks')]
      : [...differencesOf(before, identity, params), ...unknown(inputs)];
  return {
    plan: {
      stage,
      state: 'run',
      key,
      cachedFrom: null,
      because: because.length > 0 ? because : [{ kind: 'forgotten' }],
    },
    entry: undefined,
    output: () => ({ kind: 'upstream', stage }),
  };
}

/** Why inputs cannot be known, each reason once. */
function unknown(inputs: Record<string, Input>): Reason[] {
  const reasons = Object.values(inputs).filter((input): input is Reason => !isRef(input));
  const texts = reasons.map((reason) => JSON.stringify(reason));
  return reasons.filter((_, i) => texts.indexOf(texts[i]!) === i);
}

export function isRef(input: Input): input is Ref {
  return 'sha256' in input;
}
