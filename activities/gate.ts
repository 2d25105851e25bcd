import { findTrainedByEither, listTrainParts, readBoth } from '../compute/compare.ts';
import type { Compute } from '../compute/pool.ts';
import type { TaskOutput } from '../compute/tasks.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { modelTypeOf, readGate, taskOf } from '../contract/defaults.ts';
import { DamagedArtifact } from '../contract/failures.ts';
import { metricSetOf } from '../contract/metric-sets.ts';
import type { Ref } from '../contract/ref.ts';
import type { GateDetail, StageInputs, StageRequest, StageResult } from '../contract/stages.ts';
import { toGateFacts } from '../contract/versions.ts';
import { decideUntested, type Contest } from '../pipeline/scoring/gate/decide.ts';
import { describeLostChampion, readChampion, type ChampionCall } from '../store/champion-call.ts';
import { decisionSchema } from '../store/champions.ts';
import type { Store } from '../store/index.ts';
import { withScratch } from '../store/own-folder.ts';
import { stageKey } from '../store/stage-cache.ts';
import { identityOf } from '../store/stage-identity.ts';
import { parseStored } from '../store/stored-json.ts';
import { runStage, type StageContext, type StageDeps, type StageWork } from './run-stage.ts';

type Deps = StageDeps & {
  compute: Compute;
  scratch: string;
  store: Pick<Store, 'artifacts' | 'cache' | 'records'>;
};

type Request = StageRequest<'gate'>;

/** Decides whether the build would replace the champion: see docs/gate.md. It changes neither. */
export async function gate(deps: Deps, request: Request): Promise<StageResult<'gate'>> {
  const champion = await readChampion(deps.store, request);
  const run = async ({ inputs, detail }: ChampionCall) =>
    runStage(
      deps,
      'gate',
      { ...request, inputs: { ...request.inputs, ...inputs }, detail },
      (context) => decide(deps, request, detail, context),
    );
  let result: Awaited<ReturnType<typeof run>>;
  try {
    result = await run(champion);
  } catch (error) {
    if (!(error instanceof LostChampion)) throw error;
    const { pipeline, batch: challenger } = request;
    const of = { pipeline, challenger, champion: request.champion! };
    const unusable = await describeLostChampion(deps.store.records, of);
    result = await run({ inputs: {}, detail: { ...champion.detail, unusable } });
  }
  const { decision } = result.outputs;
  const bytes = await deps.store.artifacts.get(decision);
  return { ...result, decision: parseStored(bytes, decision, decisionSchema) };
}

async function decide(
  deps: Deps,
  request: Request,
  detail: GateDetail,
  context: StageContext<'gate'>,
): Promise<StageWork<'gate'>> {
  const contest = makeContest(request, detail, context.inputs);
  const made =
    decideUntested(contest) ?? (await compare(deps, request, { contest, detail }, context));
  const { decision, slices, warnings } =
    'decision' in made ? made : { decision: made, slices: [], warnings: [] };
  const { margin, confidence } = contest.rules;
  const file = canonicalJson({ schema: 1, ...decision, margin, confidence, slices });
  return {
    outputs: { decision: await context.put('decision', Buffer.from(file)) },
    facts: toGateFacts(decision),
    warnings,
  };
}

function makeContest(
  { batch, params }: Request,
  { champion, unusable }: GateDetail,
  { model, encoder, championModel, championEncoder }: StageInputs<'gate'>,
): Contest {
  const { metric, rule, margin, confidence, slices } = readGate(params);
  return {
    version: batch,
    champion: champion && { version: champion.version, seq: champion.seq },
    isSame:
      champion?.version === batch &&
      championModel?.sha256 === model.sha256 &&
      championEncoder?.sha256 === encoder.sha256,
    unusable,
    rules: { rule, margin, confidence, slices },
    metric: metric ?? metricSetOf(taskOf(params)).headline,
  };
}

/**
 * Scores both models on the same rows, and decides.
 * @throws LostChampion when an artifact of the champion alone is gone
 */
async function compare(
  deps: Deps,
  { batch, params }: Request,
  { contest, detail }: { contest: Contest; detail: GateDetail },
  { inputs, execution }: StageContext<'gate'>,
): Promise<TaskOutput<'decideGate'>> {
  const { model, encoder, train, test } = inputs;
  const { championModel, championEncoder, championTrain } = inputs;
  const compared: StageInputs<'compare'> = {
    model,
    encoder,
    train,
    test,
    otherModel: championModel!,
    otherEncoder: championEncoder!,
    otherTrain: championTrain!,
  };
  const { split } = params;
  const types = { type: modelTypeOf(params.model), otherType: detail.champion!.type };
  return withScratch(deps, async (folder) => {
    const of = { ...types, split, folder };
    try {
      const [both, isClean] = await Promise.all([
        readBoth(deps.store, compared, of),
        isKnownClean(deps, { batch, params, inputs: compared, detail: types }),
      ]);
      const read = { artifacts: deps.store.artifacts, compute: deps.compute };
      const findTrained = async () => {
        const lists = await listTrainParts(read, compared);
        return findTrainedByEither(read, { ...both, ...lists }, of, execution.signal);
      };
      const trained = isClean ? null : await findTrained();
      const { ours: challenger, other: champion, parts } = both;
      const input = { contest, challenger, champion, parts, split, trained };
      return await deps.compute('decideGate', input, execution.signal);
    } catch (error) {
      throw (await isOfChampion(deps, error, inputs))
        ? new LostChampion('', { cause: error })
        : error;
    }
  });
}

/** Whether evaluate has just found that the champion was trained on none of the test rows. */
async function isKnownClean(
  { store: { cache } }: Deps,
  call: Parameters<typeof identityOf>[1],
): Promise<boolean> {
  const key = stageKey(identityOf('compare', call));
  const entry = await cache.read('compare', key).catch((error: unknown) => {
    // A damaged entry says nothing. Then the rows are compared here.
    if (error instanceof DamagedArtifact) return undefined;
    throw error;
  });
  return entry !== undefined && !('left_out' in entry.facts);
}

/** Whether an artifact is gone that the champion has, and the challenger has not. */
async function isOfChampion(
  { store: { artifacts } }: Deps,
  error: unknown,
  { model, encoder, train, test }: StageInputs<'gate'>,
): Promise<boolean> {
  if (!(error instanceof DamagedArtifact)) return false;
  const lost = error.details['ref'] as Ref | undefined;
  if (lost === undefined) return false;
  const files = await Promise.all([train, test].map((directory) => artifacts.list(directory)));
  return ![model, encoder, train, test, ...files.flat()].some((own) => own.md5 === lost.md5);
}

/** An artifact of the champion is gone, which is no failure of the run. */
class LostChampion extends Error {}
