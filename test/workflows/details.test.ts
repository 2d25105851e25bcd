import { describe, expect, it } from 'vitest';
import type { GateDecision, PromotionOutcome } from '../../contract/promotion.ts';
import type { RunSummary, StageLine } from '../../contract/train-batch.ts';
import type { PublishResult } from '../../contract/versions.ts';
import { LAST_STAGE } from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { writeDetails } from '../../workflows/details.ts';

const stages: StageLine[] = [
  { stage: 'get_data', state: 'cached', durationMs: 12, made: '150 rows' },
  { stage: 'train', state: 'done', durationMs: 12_345 },
];

const version = {
  seq: 2,
  metrics: { accuracy: 0.5, rows: 12_000, f1: 1 },
  record: { path: 'versions/p/000003/000002.json' },
} as unknown as PublishResult;

/** The page of a run of batch 3, with plain spaces. */
function write(
  summary: Partial<RunSummary> = {},
  { until = LAST_STAGE, failed }: { until?: string; failed?: string } = {},
): string {
  const run = { places: { artifacts: 's3://b' }, until } as Parameters<typeof writeDetails>[0];
  const whole: RunSummary = {
    pipeline: 'p_q',
    batch: 3,
    params: paramsSchema.parse({}),
    paramsHash: 'h',
    stages,
    warnings: [],
    healed: [],
    version: null,
    mlflow: null,
    ...summary,
  };
  const end = failed === undefined ? {} : { failed };
  return writeDetails(run, whole, end).replaceAll(/[\u00a0\u202f]/g, ' ');
}

const firstLine = (text: string): string => text.split('\n')[0]!;

describe('the page of a run', () => {
  it('shows what each stage took and made, and where the artifacts are', () => {
    expect(write()).toMatchInlineSnapshot(`
      "**p\\_q · batch 3**: running

      |  stage  |  state  |  took  |  made  |
      | :--- | :--- | ---: | :--- |
      |  get_data  |  ≡ cached  |  12 ms  |  150 rows  |
      |  train  |  ✔ done  |  12 345 ms  |    |

      artifacts in \`s3://b\`"
    `);
  });

  it('of a published version shows its scores and its record', () => {
    expect(write({ version, warnings: ['a_b', 'c'] })).toMatchInlineSnapshot(`
      "**p\\_q · batch 3**: version 3, build 2, is published

      |  stage  |  state  |  took  |  made  |
      | :--- | :--- | ---: | :--- |
      |  get_data  |  ≡ cached  |  12 ms  |  150 rows  |
      |  train  |  ✔ done  |  12 345 ms  |    |

      |  metric  |  all batches  |
      | :--- | ---: |
      |  accuracy  |  0.5000  |
      |  rows  |  12 000  |
      |  f1  |  1.0000  |

      - ⚠ a\\_b
      - ⚠ c

      record \`s3://b/versions/p/000003/000002.json\`"
    `);
  });

  it('shows what the gate says of the build and what became of it, escaped', () => {
    const decision = { outcome: 'promote', reason: 'it is *not* worse' } as GateDecision;
    const promotion = { state: 'waiting', reason: 'a_person decides' } as PromotionOutcome;
    expect(write({ decision })).toContain('\n\n**gate**: promote: it is \\*not\\* worse\n\n');
    expect(write({ decision, promotion })).toContain(
      '\n\n**champion**: waiting: a\\_person decides\n\n',
    );
    expect(write()).not.toContain('**gate**');
  });

  it('links its run and its model in MLflow, as far as they have addresses', () => {
    const mlflow = (links: object) =>
      ({ modelName: 'm_n', modelVersion: '7', links }) as unknown as RunSummary['mlflow'];
    const linksOf = (run: RunSummary['mlflow']): string =>
      write({ mlflow: run }).split('\n').at(-1)!;
    expect(linksOf(mlflow({ run: 'http://r', model: 'http://m' }))).toBe(
      '[MLflow run](http://r) · [m\\_n version 7](http://m) · artifacts in `s3://b`',
    );
    expect(linksOf(mlflow({ run: null, model: null }))).toBe('artifacts in `s3://b`');
    expect(linksOf({ ...mlflow({}), links: undefined } as unknown as RunSummary['mlflow'])).toBe(
      'artifacts in `s3://b`',
    );
  });

  it.each<[string, Partial<RunSummary>, Parameters<typeof write>[1]]>([
    ['why it failed\\_', { version }, { failed: 'why it failed_' }],
    ['train is running', { stages: [stages[0]!, { stage: 'train', state: 'running' }] }, {}],
    ['version 3, build 2, is published', { version }, {}],
    ['running', {}, {}],
    ['stopped after train, as asked', {}, { until: 'train' }],
    ['running', { stages: [stages[0]!, { stage: 'train', state: 'waiting' }] }, { until: 'train' }],
    [
      'build 3.2 is a trial with model.max\\_depth=1',
      { version: { ...version, trial: { 'model.max_depth': 1 } } },
      {},
    ],
  ])('begins with its state: %s', (status, summary, options) => {
    expect(firstLine(write(summary, options))).toBe(`**p\\_q · batch 3**: ${status}`);
  });
});
