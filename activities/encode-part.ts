import type { CacheUse } from '../contract/stages.ts';
import type { Params } from '../contract/params.ts';
import type { Ref } from '../contract/ref.ts';
import type { StageResult } from '../contract/stages.ts';
import type { Deps } from './deps.ts';
import { partFile, PROCESSED, TEST, TRAIN } from '../contract/paths.ts';
import type { StageIdentity } from '../store/stage-cache.ts';
import { readColumns } from '../store/columns-file.ts';
import { runStage, type Stage } from './stage.ts';

const stage: Stage<'batch' | 'columns'> = {
  name: 'encode_part',
  code: 2, // 1 sorted the words of a part's dictionaries
  params: ({ data, split }) => ({
    target: data.target,
    missing_values: data.missing_values,
    split,
  }),
  libraries: ['arquero', '@uwdata/flechette'],
  perBatch: true,
  run: async ({ deps, execution, params, batch, inputs, put }) => {
    const part = await deps.compute(
      'encodePart',
      {
        bytes: await deps.store.artifacts.get(inputs.batch),
        file: inputs.batch.path,
        columns: await readColumns(deps, inputs.columns),
        target: params.data.target,
        missingValues: params.data.missing_values,
        testSize: params.split.test_size,
        key: params.split.key,
      },
      execution.signal,
    );
    const [train, test, counts] = await Promise.all([
      put(`${TRAIN}${partFile(batch)}`, part.train),
      put(`${TEST}${partFile(batch)}`, part.test),
      put(`${PROCESSED}/counts_${batch}.json`, part.counts),
    ]);
    return {
      outputs: { train, test, counts },
      facts: { train_rows: part.trainRows, test_rows: part.testRows },
      warnings: part.warnings,
    };
  },
};

/**
 * What decides the part of a batch in a version: what its preprocess was run with says it all. A new
 * `code` here is a new one of preprocess too, whose outputs are made of parts.
 */
export function partIdentity(
  { params, libraries }: Pick<StageIdentity, 'params' | 'libraries'>,
  { number, batch, columns }: { number: number; batch: Ref; columns: Ref },
): StageIdentity {
  const { target, missing_values, split } = params;
  return {
    stage: stage.name,
    batch: number,
    code: stage.code,
    params: { target, missing_values, split },
    libraries,
    inputs: { batch, columns },
  };
}

/**
 * Encodes one batch: its rows' sides, its columns as Arrow, and the counts an encoder is fitted from.
 * All of it depends on that batch only, so it is made once and serves every later version.
 */
export async function encodePart(
  deps: Deps,
  call: {
    pipeline: string;
    batch: number;
    params: Params;
    cache: CacheUse;
    damaged: readonly string[];
    inputs: { batch: Ref; columns: Ref };
  },
): Promise<StageResult> {
  return runStage(deps, stage, call);
}
