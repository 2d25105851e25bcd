import { z } from 'zod';
import type { Config } from '../config/environment.ts';
import { namesSource } from '../config/params-file.ts';
import { RETRAIN } from '../contract/command.ts';
import { readGate } from '../contract/defaults.ts';
import { BadParams } from '../contract/failures.ts';
import { formatTrialParams } from '../contract/trials.ts';
import { batchNumber, parseParams, pipelineName, type Params } from '../contract/params.ts';
import { hashOf } from '../store/hash.ts';
import { refSchema } from '../contract/ref.ts';
import { LAST_STAGE, MOST_DAMAGED, STAGE_NAMES } from '../contract/stages.ts';
import type { PinnedRun } from '../contract/train-batch.ts';
import type { Store } from '../store/index.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { refuseOtherFolder } from '../tracking/place.ts';
import { findTrialParams, makeRunParams } from '../sources/frozen.ts';
import type { Ledger } from '../store/ledger/ledger.ts';

const inputSchema = z.strictObject({
  batch: batchNumber,
  pipeline: pipelineName.optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  source: refSchema.optional(),
  until: z.enum(STAGE_NAMES).optional(),
  only: z.enum(STAGE_NAMES).optional(),
  force: z.boolean().optional(),
  publish: z.boolean().optional(),
  trackingFolder: z.string().max(2_000).optional(),
  with_missing: z.boolean().optional(),
  refresh: z.boolean().optional(),
  damaged: z.array(refSchema.shape.md5).max(MOST_DAMAGED).optional(),
  repair: z
    .strictObject({
      champion: z.strictObject({ version: batchNumber, seq: batchNumber }).nullable().optional(),
      forced_by: z.string().max(200).optional(),
    })
    .optional(),
});

/** The parts of a worker that are pinned into a run. */
interface PinDeps {
  readConfig: (pipeline?: string) => PipelineConfig;
  cpuTaskQueue?: string | undefined;
  heartbeatTimeout?: number | undefined;
  searchAttributes?: () => Promise<string[]>;
  webhook?: URL | undefined;
  store: Pick<Store, 'bucket' | 'ledgers'>;
  trackingOf: (pipeline?: string) => { tracker: Tracker };
}

/** The settings of a pipeline in the worker's params.yaml. */
export type PipelineConfig = Pick<
  Config,
  'pipeline' | 'params' | 'ownParams' | 'unlisted' | 'nightly'
>;

/**
 * Refuses a pipeline that params.yaml does not list and that has no data, unless the caller says where its data is.
 * @throws BadParams that names the pipelines there are
 */
export function refuseUnknownPipeline(
  { unlisted }: PipelineConfig,
  { ledger, asked }: { ledger: Ledger | undefined; asked: Record<string, unknown> | undefined },
): void {
  if (unlisted !== undefined && ledger === undefined && !namesSource(asked))
    throw new BadParams(unlisted);
}

/**
 * Refuses to switch off the approval of champions, because who starts a run need not be who approves.
 * @throws BadParams
 */
export function refuseNoApproval({ pipeline, params: own }: PipelineConfig, params: Params): void {
  if (readGate(own).approval === 'required' && readGate(params).approval !== 'required')
    throw new BadParams(
      `gate.approval is required in the worker's params.yaml, and a run cannot switch it off: leave it out, and answer with "${RETRAIN} approve N --reason REASON --pipeline ${pipeline}"`,
    );
}

/**
 * Checks the input of a run, which any client can send, and fixes its params: the worker's present params.yaml
 * for the pipeline, with what its ledger has frozen, and the caller's params over both.
 * @throws BadParams naming the key, its value and what is allowed, or the pipelines there are.
 * @throws TrackingRefused when the caller tracks in a directory that is not this worker's.
 */
export async function pinRun(deps: PinDeps, input: unknown): Promise<PinnedRun> {
  const { readConfig, cpuTaskQueue, heartbeatTimeout } = deps;
  const asked = parseParams(inputSchema, input, "the workflow's input");
  const { trackingFolder } = asked;
  const config = readConfig(asked.pipeline);
  const { pipeline } = config;
  const ledger = await deps.store.ledgers.read(pipeline);
  refuseUnknownPipeline(config, { ledger, asked: asked.params });
  if (trackingFolder !== undefined) refuseOtherFolder(deps.trackingOf(pipeline), trackingFolder);
  const params = makeRunParams(config, ledger, asked.params);
  // A repair takes the params of its build, and makes no champion.
  if (asked.repair === undefined) refuseNoApproval(config, params);
  const publishes = asked.publish === true || asked.repair !== undefined;
  const own = asked.params === undefined || publishes ? undefined : asked.params;
  const trial = own && findTrialParams(makeRunParams(config, ledger, {}), params, ledger);
  if (trial !== undefined && asked.with_missing === true)
    throw new BadParams(
      `a run with ${formatTrialParams(trial)} is a trial, which builds no other versions: leave out --with-missing, or add --publish to build the missing versions with these params too`,
    );
  return {
    batch: asked.batch,
    pipeline,
    params,
    paramsHash: hashOf(params),
    source: asked.source ?? null,
    until: asked.only ?? asked.until ?? LAST_STAGE,
    only: asked.only ?? null,
    force: asked.force ?? false,
    ...(trial === undefined ? {} : { trial }),
    withMissing: asked.with_missing ?? false,
    ...(asked.refresh === true ? { refresh: true } : {}),
    notify: deps.webhook !== undefined,
    ...(asked.damaged === undefined ? {} : { damaged: asked.damaged }),
    ...(asked.repair === undefined ? {} : { repair: asked.repair }),
    ...(cpuTaskQueue === undefined ? {} : { cpuTaskQueue }),
    ...(heartbeatTimeout === undefined ? {} : { heartbeatTimeout }),
    ...(trackingFolder === undefined ? {} : { trackingFolder }),
    searchAttributes: (await deps.searchAttributes?.()) ?? [],
    places: { artifacts: `s3://${deps.store.bucket.location.bucket}` },
  };
}
