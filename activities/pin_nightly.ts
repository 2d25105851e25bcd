import { z } from 'zod';
import { parseParams, pipelineName } from '../contract/params.ts';
import { refSchema } from '../contract/ref.ts';
import { makeRunParams } from '../sources/frozen.ts';
import type { Ledgers } from '../store/ledger/ledger.ts';
import { refuseNoApproval, refuseUnknownPipeline, type PipelineConfig } from './pin_run.ts';
import type { PinnedNightly } from '../contract/nightly.ts';

const inputSchema = z.strictObject({
  pipeline: pipelineName.optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  source: refSchema.optional(),
  rebuild: z.boolean().optional(),
});

/**
 * Checks the input of a nightly, and fixes the params of all its batches: the worker's present params.yaml, with
 * what the ledger has frozen, and the caller's params over both. No input means `{}`.
 * @throws BadParams naming the key, its value and what is allowed.
 */
export async function pinNightly(
  deps: {
    readConfig: (pipeline?: string) => PipelineConfig;
    store: { ledgers: Pick<Ledgers, 'read'> };
  },
  input: unknown,
): Promise<PinnedNightly> {
  const asked = parseParams(inputSchema, input ?? {}, "the workflow's input");
  const config = deps.readConfig(asked.pipeline);
  const ledger = await deps.store.ledgers.read(config.pipeline);
  refuseUnknownPipeline(config, { ledger, asked: asked.params });
  const params = makeRunParams(config, ledger, asked.params);
  refuseNoApproval(config, params);
  return {
    pipeline: config.pipeline,
    params,
    source: asked.source ?? null,
    rebuild: asked.rebuild ?? false,
    ...(config.nightly.onQuarantine === 'fail' ? { failOnQuarantine: true } : {}),
  };
}
