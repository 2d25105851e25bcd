import { readGate } from '../contract/defaults.ts';
import { MissingHistory } from '../contract/failures.ts';
import { parseParams } from '../contract/params.ts';
import type { DecideRequest, Proposal } from '../contract/promotion.ts';
import { findStage } from '../contract/stages.ts';
import { nameBuild } from '../contract/versions.ts';
import { RETRAIN } from '../contract/command.ts';
import { paramsSchema } from '../pipeline/models/params.ts';
import type { Store } from '../store/index.ts';
import { readParams } from '../store/record-check.ts';
import { gate } from './gate.ts';
import type { PipelineConfig } from './pin_run.ts';

type Deps = Parameters<typeof gate>[0] & {
  store: Pick<Store, 'champions' | 'records'>;
  readConfig: (pipeline: string) => PipelineConfig;
};

/**
 * Decides about a recorded build by the stage gate, with the params of the run that proposes it: against the champion
 * there is now.
 * @throws MissingHistory when there is no such build, or its record lacks what the gate reads
 */
export async function decideAgain(
  deps: Deps,
  { pipeline, version, seq, gate: asked }: DecideRequest,
): Promise<Pick<Proposal, 'decision' | 'gate'>> {
  const record = await deps.store.records.readBuild({ pipeline, version, seq });
  const recorded = readParams(record);
  // Anyone can propose a build, so what a proposal says is checked as params are.
  const params =
    asked === undefined
      ? { ...recorded, gate: readGate(recorded) }
      : parseParams(paramsSchema, { ...recorded, gate: asked }, 'the proposal');
  // The build may be older than the rule that a person approves.
  const { approval } = readGate(deps.readConfig(pipeline).params);
  const { champion = null } = (await deps.store.champions.read(pipeline)) ?? {};
  const { model } = findStage(record.stages, 'train')?.outputs ?? {};
  const { encoder, train, test } = findStage(record.stages, 'preprocess')?.outputs ?? {};
  const { metrics } = findStage(record.stages, 'evaluate')?.outputs ?? {};
  if (!model || !encoder || !train || !test || !metrics)
    throw new MissingHistory(
      `the record of build ${nameBuild(record)} of ${pipeline} does not say what was trained and scored: run it again with "${RETRAIN} run ${version} --pipeline ${pipeline}"`,
    );
  const { decision } = await gate(deps, {
    pipeline,
    batch: version,
    params,
    cache: 'use',
    damaged: [],
    force: null,
    champion,
    inputs: { model, encoder, train, test, metrics },
  });
  return { decision, gate: approval === 'required' ? { ...params.gate, approval } : params.gate };
}
