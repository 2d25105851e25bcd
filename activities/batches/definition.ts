import { canonicalJson } from '../../contract/canonical-json.ts';
import { MISSING_VALUES } from '../../contract/params.ts';
import { isWhole, tableOf, type Ledger } from '../../store/ledger/ledger.ts';
import { readingOf } from '../../sources/text.ts';
import type { StageDefinition } from '../stage.ts';

/** The stage that cuts a batch from the table a pipeline was opened with. */
export const stage: StageDefinition = {
  name: 'prepare_batch',
  code: 1,
  params: ({ data }) => ({
    target: data.target,
    batch_size: data.batch_size,
    shuffle_seed: data.shuffle_seed,
    ...readingOf(data),
  }),
  libraries: [],
  perBatch: true,
};

/** The same stage where a batch is the whole of a file: what cuts a table says nothing here. */
const wholeStage: StageDefinition = {
  ...stage,
  params: ({ data }) => ({
    target: data.target,
    ...readingOf(data),
    // A number that is missing is written, and told from one that is none, by these words.
    ...(isDefault(data.missing_values) ? {} : { missing_values: data.missing_values }),
    ...(data.on_new_column === 'fail' ? {} : { on_new_column: data.on_new_column }),
    ...(data.on_missing_column === 'fail' ? {} : { on_missing_column: data.on_missing_column }),
  }),
};

function isDefault(missingValues: readonly string[]): boolean {
  return canonicalJson(missingValues) === canonicalJson(MISSING_VALUES);
}

/** The same stage where a batch is cut from a later state of a table, whose rows keep their order. */
function laterStage(after: number): StageDefinition {
  return {
    ...stage,
    params: ({ data }) => ({
      target: data.target,
      batch_size: data.batch_size,
      after,
      ...readingOf(data),
    }),
  };
}

/** The stage by which a batch of a pipeline is cut. */
export function stageFor(ledger: Ledger, batch: number): StageDefinition {
  if (isWhole(ledger, batch)) return wholeStage;
  const { after } = tableOf(ledger, batch);
  return after === 0 ? stage : laterStage(after);
}
