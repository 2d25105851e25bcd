import { existsSync } from 'node:fs';
import type { Params } from '../../../contract/params.ts';
import type { Ref } from '../../../contract/ref.ts';
import { STAGE_NAMES, STAGES, type InputSource, type StageName } from '../../../contract/stages.ts';
import { checkBatch } from '../../../pipeline/batches/order.ts';
import { isPlace } from '../../../sources/arrivals/open-place.ts';
import { withSourceText } from '../../../sources/source-text.ts';
import { checkFrozen } from '../../../sources/frozen.ts';
import { isLookDue } from '../../../sources/append-only/look.ts';
import { mayGrow } from '../../../sources/append-only/table.ts';
import { kindOf, sourceIdentity } from '../../../sources/identity.ts';
import type { SourcePlace } from '../../../sources/source.ts';
import {
  cutCall,
  cutDetail,
  knownSourceCall,
  mergeInputs,
  newSourceCall,
} from '../../../sources/stage-inputs.ts';
import type { ChampionCall } from '../../../store/champion-call.ts';
import type { Store } from '../../../store/index.ts';
import type { Ledger } from '../../../store/ledger/ledger.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { stageKey, type CacheEntry } from '../../../store/stage-cache.ts';
import { identityOf } from '../../../store/stage-identity.ts';
import { compareIdentities } from '../../compare/identity.ts';
import { producerOf, type Origin, type Reason } from '../../origin.ts';

/** What a run would do with one stage. */
export interface StagePlan extends Origin {
  stage: StageName;
  state: 'cached' | 'run';
  /** Its cache key; null while an input is not known. */
  key: string | null;
}

/** The run that is planned. */
export interface Asked {
  batch: number;
  params: Params;
  ledger: Ledger | undefined;
  /** The latest record of the version; undefined when it has not been built. */
  last: VersionRecord | undefined;
  /** The champion, with which gate compares the version. */
  champion: ChampionCall;
  /** The server of s3:// sources, and the limits for reading any source. */
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** The folder of temporary files. */
  scratch: string;
}

/** An input of a stage, or the reason why it cannot be known. */
type Input = Ref | Reason;

/** The request of a stage that is not run. */
interface Call {
  params: Params;
  inputs: Record<string, Input>;
  detail?: unknown;
}

/** A stage's plan, and its outputs as inputs of later stages. */
interface Planned {
  plan: StagePlan;
  entry: CacheEntry | undefined;
  output: (name: string) => Input;
}

interface Context extends Asked {
  cache: Pick<Store['cache'], 'lookUp'>;
  /** The ledger, once a batch is cut. */
  ledger: Ledger | undefined;
  /** The stages planned so far. */
  planned: Map<string, Planned>;
}

/**
 * Plans what a run would do with each stage of the graph. It looks up the same cache entries as a worker, and runs
 * nothing.
 * @throws BadParams, BadData or MissingHistory where a run would fail before its first stage ran
 */
export async function planRun(
  cache: Store['cache'],
  { ledger: known, ...asked }: Asked,
): Promise<StagePlan[]> {
  const ledger = known !== undefined && known.batches.length > 0 ? known : undefined;
  if (ledger !== undefined) checkFrozen(ledger, asked.params);
  const context: Context = { cache, ...asked, ledger, planned: new Map() };
  for (const stage of STAGE_NAMES) {
    context.planned.set(stage, await planStage(context, stage, await planCall(context, stage)));
    if (stage === 'get_data') checkExists(context);
  }
  return [...context.planned.values()].map(({ plan }) => plan);
}

/** @throws MissingHistory when a table that cannot grow has no such batch */
function checkExists({ ledger, planned, params, batch }: Context): void {
  const { source, batch_size } = params.data;
  const rows = ledger?.raw[0]!.rows ?? planned.get('get_data')?.entry?.facts['rows'];
  const canGrow = isPlace(source) || (ledger !== undefined && mayGrow(source));
  if (typeof rows === 'number' && !canGrow) checkBatch(batch, rows, batch_size);
}

/** The request of a stage. Its inputs are outputs of earlier stages, or the ledger has them. */
async function planCall(context: Context, stage: StageName): Promise<Call> {
  if (stage === 'get_data') return planSourceCall(context);
  if (stage === 'prepare_batch') return planCut(context, context.batch);
  const entries = Object.entries<InputSource>(STAGES[stage].inputs).flatMap(([name, input]) =>
    'outside' in input ? [] : [readInput(context, name, input)],
  );
  const inputs = Object.fromEntries(await Promise.all(entries));
  if (stage !== 'gate') return { params: context.params, inputs };
  const { inputs: theirs, detail } = context.champion;
  return { params: context.params, inputs: { ...inputs, ...theirs }, detail };
}

async function readInput(
  context: Context,
  name: string,
  input: Exclude<InputSource, { outside: true }>,
): Promise<[string, Input]> {
  if ('eachBatch' in input) return [name, await planBatches(context)];
  return [name, context.planned.get(input.stage)!.output(input.output)];
}

async function planSourceCall({ ledger, batch, params, ...place }: Context): Promise<Call> {
  const source = await findSource(params, ledger, batch, place);
  if (!isRef(source)) {
    const { name } = sourceIdentity(params.data.source);
    return { params, inputs: { source }, detail: { source: name } };
  }
  return ledger === undefined
    ? newSourceCall(params, source)
    : knownSourceCall(ledger, batch, params);
}

/** The request of prepare_batch: the data from which a batch is cut, or would be. */
function planCut({ ledger, planned, params }: Context, batch: number): Call {
  const data = planned.get('get_data')!;
  const inputs = { raw: data.output('raw'), columns: data.output('columns') };
  if (ledger === undefined) return { params, inputs, detail: { whole: false, after: 0 } };
  if (batch <= ledger.batches.length || isRef(inputs.raw))
    return { params, ...cutCall(ledger, batch) };
  return { params, inputs, detail: cutDetail(ledger, batch) };
}

/** The directory of batches 1..N. */
async function planBatches(context: Context): Promise<Input> {
  const { ledger, planned, batch } = context;
  const batches = await Promise.all(
    Array.from({ length: batch }, async (_, i): Promise<Input> => {
      const known = ledger?.batches[i]?.ref;
      if (known !== undefined) return known;
      if (i + 1 === batch) return planned.get('prepare_batch')!.output('batch');
      const call = planCut(context, i + 1);
      const earlier = await planStage({ ...context, batch: i + 1 }, 'prepare_batch', call);
      return earlier.output('batch');
    }),
  );
  const refs = batches.filter(isRef);
  if (refs.length < batches.length) return { kind: 'upstream', stage: 'prepare_batch' };
  return mergeInputs(refs.map((ref, i) => ({ batch: i + 1, ref }))).batches;
}

/** Plans one stage: whether its outputs are in the cache and, if not, what differs from the last build. */
async function planStage(
  { cache, batch, last }: Context,
  stage: StageName,
  { params, inputs, detail }: Call,
): Promise<Planned> {
  const known = Object.entries(inputs).filter((entry): entry is [string, Ref] => isRef(entry[1]));
  const identity = identityOf(stage, {
    batch,
    params,
    inputs: Object.fromEntries(known),
    detail,
  });
  const key = known.length === Object.keys(inputs).length ? stageKey(identity) : null;
  const found = key === null ? undefined : await cache.lookUp(stage, key);
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
      // Missing outputs are the same when they are made again.
      output: (name) => found.entry.outputs[name]!,
    };
  }
  const before = last?.stages.find((ran) => ran.stage === stage);
  const because: Reason[] =
    before === undefined
      ? [{ kind: 'new' }, ...listUnknownInputs(inputs).filter(({ kind }) => kind === 'looks')]
      : [...compareIdentities(before, identity, params), ...listUnknownInputs(inputs)];
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
function listUnknownInputs(inputs: Record<string, Input>): Reason[] {
  const reasons = Object.values(inputs).filter((input): input is Reason => !isRef(input));
  const texts = reasons.map((reason) => JSON.stringify(reason));
  return reasons.filter((_, i) => texts.indexOf(texts[i]!) === i);
}

function isRef(input: Input): input is Ref {
  return 'sha256' in input;
}

/**
 * Finds what get_data would read: the raw data in the ledger once a batch is cut, otherwise the source, if it is
 * on this machine.
 * @returns a reason if that cannot be known: only the worker has the source, the worker reads it again, or the
 *   file of the batch is not in the ledger yet
 */
async function findSource(
  params: Params,
  ledger: Ledger | undefined,
  batch: number,
  place: Pick<Asked, 'sources' | 'scratch'>,
): Promise<Input> {
  const { source } = params.data;
  const unknown: Input = { kind: 'unknown', name: source };
  if (ledger === undefined)
    return isPlace(source) ? unknown : ((await readHere(params.data, place)) ?? unknown);
  if (isPlace(source) && ledger.arrivals.length < batch) return unknown;
  if (!isPlace(source) && isLookDue(ledger, source, { batch, cache: 'use', refresh: false }))
    return { kind: 'looks', name: source };
  return knownSourceCall(ledger, batch, params).inputs.source;
}

async function readHere(
  { source, encoding }: Params['data'],
  { sources, scratch }: Pick<Asked, 'sources' | 'scratch'>,
): Promise<Ref | undefined> {
  const kind = kindOf(source);
  if (kind !== 'iris' && !(kind === 'file' && existsSync(source))) return undefined;
  const options = { ...sources, scratch, root: process.cwd(), confined: false, encoding };
  return withSourceText(source, options, async (brought) => brought?.ref);
}
