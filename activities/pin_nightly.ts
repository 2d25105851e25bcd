import { z } from 'zod';
import { parseParams, pipelineName } from '../contract/params.ts';
import { paramsOf } from '../pipeline/models/params.ts';
import { refSchema } from '../contract/ref.ts';
import type { PinnedNightly } from '../contract/nightly.ts';

const inputSchema = z.strictObject({
  pipeline: pipelineName.optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  source: refSchema.optional(),
  rebuild: z.boolean().optional(),
});

/**
 * Checks the input of a nightly, and fixes the params of all its batches: the worker's present params.yaml,
 * with the caller's params over it. No input means `{}`.
 * @throws BadParams naming the key, its value and what is allowed.
 */
export function pinNightly(
  { readConfig }: { readConfig: (pipeline?: string) => { pipeline: string; params: unknown } },
  input: unknown,
): PinnedNightly {
  const asked = parseParams(inputSchema, input ?? {}, "the workflow's input");
  const config = readConfig(asked.pipeline);
  return {
    pipeline: config.pipeline,
    params: paramsOf(config.params, asked.params),
    source: asked.source ?? null,
    rebuild: asked.rebuild ?? false,
  };
}
