import { join } from 'node:path';
import type { Compute } from '../compute/pool.ts';
import { modelTypeOf, readGate, taskOf } from '../contract/defaults.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { DamagedArtifact } from '../contract/failures.ts';
import { CLASS_METRICS, NUMBER_METRICS } from '../contract/metric-sets.ts';
import type { Build } from '../contract/promotion.ts';
import type { Ref } from '../contract/ref.ts';
import type { GateDetail, StageRequest, StageResult } from '../contract/stages.ts';
import { decideUntested, type Contest } from '../pipeline/scoring/gate/decide.ts';
import { describeLostChampion, readChampion, type ChampionCall } from '../store/champion-call.ts';
import { decisionSchema } from '../store/champions.ts';
import type { Store } from '../store/index.ts';
import { withScratch } from '../store/own-folder.ts';
import { parseStored } from '../store/stored-json.ts';
import { runStage, type StageContext, type StageDeps, type StageWork } from './run-stage.ts';

type Deps = StageDeps & {
  compute: Compute;
  scratch: string;
  store: Pick<Store, 'artifacts' | 'cache' | 'records'>;
};

/** Decides whether the build would replace the champion: see docs/gate.md. It changes neither. */
export async function gate(
  deps: Deps,
  request: StageRequest<'gate'>,
): Promise<StageResult<'gate'>> {
  const { pipeline, champion: of } = request;
  const champion = await readChampion(deps.store, pipeline, of);
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
    const { detail } = champion;
    result = await run({ inputs: {}, detail: { ...detail, unusable: error.message } });
  }
  const { decision } = result.outputs;
  const bytes = await deps.store.artifacts.get(decision);
  return { ...result, decision: parseStored(bytes, decision, decisionSchema) };
}

/** The champion's artifacts are gone. */
class LostChampion extends Error {}

async function decide(
  deps: Deps,
  { pipeline, batch, params }: StageRequest<'gate'>,
  { champion, unusable }: GateDetail,
  { inputs, put, execution }: StageContext<'gate'>,
): Promise<StageWork<'gate'>> {
  const rules = readGate(params);
  const set = taskOf(params) === 'classification' ? CLASS_METRICS : NUMBER_METRICS;
  const { metric, rule, margin, confidence, slices } = rules;
  const { championModel, championEncoder } = inputs;
  const contest: Contest = {
    version: batch,
    champion,
    isSame:
      champion?.version === batch &&
      championModel?.sha256 === inputs.model.sha256 &&
      championEncoder?.sha256 === inputs.encoder.sha256,
    unusable,
    rules: { metric, rule, margin, confidence, slices },
    metric: metric ?? set.headline,
  };
  const made = decideUntested(contest) ?? (await compare());
  const { decision, warnings } = 'decision' in made ? made : { decision: made, warnings: [] };
  const { worse_slices: _, champion: of, ...facts } = decision;
  return {
    outputs: {
      decision: await put('decision', Buffer.from(canonicalJson({ schema: 1, ...decision }))),
    },
    facts: { ...facts, champion: of && `${of.version}.${of.seq}` },
    warnings,
  };

  async function compare() {
    const { artifacts } = deps.store;
    return withScratch(deps, async (folder) => {
      const files = {
        challenger: join(folder, 'model.json'),
        champion: join(folder, 'other.json'),
      };
      const theirs = await fetchChampion(
        { pipeline, champion: champion! },
        Promise.all([
          artifacts.get(championEncoder!),
          artifacts.toFile(championModel!, files.champion),
        ]),
      );
      const parts = await artifacts.list(inputs.test);
      const [encoder, test] = await Promise.all([
        artifacts.get(inputs.encoder),
        Promise.all(parts.map((part: Ref) => artifacts.getPart(part))),
        artifacts.toFile(inputs.model, files.challenger),
      ]);
      return deps.compute(
        'decideGate',
        {
          contest,
          challenger: { type: modelTypeOf(params.model), model: files.challenger, encoder },
          champion: { type: champion!.type, model: files.champion, encoder: theirs[0] },
          parts: test,
        },
        execution.signal,
      );
    });
  }
}

/** @throws LostChampion when an artifact of the champion is gone, which is no failure of the run */
async function fetchChampion<T>(
  { pipeline, champion }: { pipeline: string; champion: Build },
  fetched: Promise<T>,
): Promise<T> {
  return fetched.catch((error: unknown) => {
    if (!(error instanceof DamagedArtifact)) throw error;
    throw new LostChampion(describeLostChampion(pipeline, champion), { cause: error });
  });
}
