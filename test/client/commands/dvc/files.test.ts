import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeDvcFiles } from '../../../../client/commands/dvc/files.ts';
import { readVersion } from '../../../../client/commands/dvc/stages.ts';
import { manifests, record } from './version.ts';

const scores = { f1: 1, precision: 1, recall: 1, support: 7 };
const around = {
  storage: { endpoint: 'http://localhost:9000', region: 'us-east-1', bucket: 'models' },
  noScm: true,
  gitignore: '*.tmp',
};

async function filesWith(
  metrics: Parameters<typeof describeDvcFiles>[1],
): Promise<Map<string, string>> {
  return describeDvcFiles(await readVersion(manifests, record), metrics, around);
}

interface Lock {
  stages: Record<string, { cmd: string; deps?: { path: string }[]; outs: { path: string }[] }>;
}

describe('the files of an exported version', () => {
  it('lock every batch, each depending on what get_data leaves, and merge_data on all of them', async () => {
    const lock = parse((await filesWith({})).get('dvc.lock')!) as Lock;
    expect(
      Object.entries(lock.stages).map(([name, { deps = [], outs }]) => [
        name,
        deps.map(({ path }) => path),
        outs.map(({ path }) => path),
      ]),
    ).toEqual([
      ['get_data', [], ['data/raw/columns.json', 'data/raw/iris.csv']],
      ...[1, 2].map((batch) => [
        `prepare_batch@${batch}`,
        ['data/raw/columns.json', 'data/raw/iris.csv'],
        [`data/batches/batch_00000${batch}.csv`],
      ]),
      [
        'merge_data',
        ['data/batches/batch_000001.csv', 'data/batches/batch_000002.csv'],
        ['data/merged'],
      ],
    ]);
  });

  it('name the params a stage reads as params.yaml does', async () => {
    const { stages } = parse((await filesWith({})).get('dvc.yaml')!) as {
      stages: Record<string, { params: string[] }>;
    };
    expect(stages['get_data']!.params).toEqual(['data.columns', 'data.target']);
    expect(stages['merge_data']!.params).toEqual(['model']);
  });

  it('name the values that a stage reads of a section it does not read whole', async () => {
    const whole = { ...record, params: { ...record.params, model: { max_depth: 5, task: 'x' } } };
    const files = describeDvcFiles(await readVersion(manifests, whole), {}, around);
    const { stages } = parse(files.get('dvc.yaml')!) as {
      stages: Record<string, { params: string[] }>;
    };
    expect(stages['merge_data']!.params).toEqual(['model.max_depth']);
  });

  it('draw predicted against actual numbers, a row for each square that holds any', async () => {
    const agreement = {
      edges: [0, 1, 2],
      matrix: [
        [3, 0],
        [0, 1],
      ],
    };
    const files = await filesWith({ agreement });
    expect(JSON.parse(files.get('plots/agreement.json')!)).toEqual([
      { actual: 0, actual_to: 1, predicted: 0, predicted_to: 1, rows: 3 },
      { actual: 1, actual_to: 2, predicted: 1, predicted_to: 2, rows: 1 },
    ]);
    expect(files.get('.dvc/plots/agreement_rows.json')).toContain('<DVC_METRIC_DATA>');
    expect(files.has('plots/confusion.json')).toBe(false);
  });

  it('hold commands that a shell hands on to our own command line unchanged', async () => {
    const { stages } = parse((await filesWith({})).get('dvc.lock')!) as Lock;
    const { cmd } = stages['prepare_batch@2']!;
    expect(cmd).toMatch(/^npx --no-install retrain stage prepare_batch 2 --pipeline iris --set /);
    expect(cmd).not.toContain('${');
    const { stdout } = spawnSync('sh', [
      '-c',
      `printf '%s\\n' ${cmd.replace('npx --no-install retrain ', '')}`,
    ]);
    const words = `stage prepare_batch 2 --pipeline iris --set data.batch_size=50 --set data.columns={}
      --set data.missing_values=["","it's","\${x}"] --set data.target=species --set model.max_depth=5`;
    expect(stdout.toString().trim().split('\n')).toEqual(words.split(/\s+/));
  });

  it('keep the scores under one name in every version, without what scores nothing', async () => {
    expect(JSON.parse((await filesWith({})).get('metrics.json')!)).toEqual({ accuracy: 0.9 });
  });

  it('plot what the metrics file holds, and nothing it does not', async () => {
    const none = await filesWith({});
    expect(parse(none.get('dvc.yaml')!)).not.toHaveProperty('plots');
    const files = await filesWith({
      classes: { 'a,b': scores },
      confusion_matrix: { labels: ['x', 'y'], matrix: [[1, 2], [3, 4]] }, // prettier-ignore
    });
    expect(JSON.parse(files.get('plots/classes.json')!)).toEqual([{ class: 'a,b', ...scores }]);
    expect(JSON.parse(files.get('plots/confusion.json')!)).toContainEqual({
      actual: 'x',
      predicted: 'y',
      rows: 2,
    });
    expect(files.has('.dvc/plots/confusion_rows.json')).toBe(true);
  });

  it('keep a person’s own lines of .gitignore', async () => {
    expect((await filesWith({})).get('.gitignore')).toBe('*.tmp\n/data/\n/dvc_plots/\n');
  });
});
