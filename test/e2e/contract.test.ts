import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ResultDocument } from '../../client/result.ts';
import { partFromArrow } from '../../pipeline/features/part.ts';
import { type Encoder, encoderFromJson } from '../../pipeline/features/encoder.ts';
import type { Ref } from '../../contract/ref.ts';
import { labelled } from '../support/csv.ts';
import { withProject } from '../support/with-project.ts';

/** Files that arrive with other columns and words than the first, through the real stack. */

const project = withProject('contract', {
  prepare: ({ folder }) => mkdirSync(join(folder, 'incoming')),
});
const { store } = project;

const put = (name: string, text: string): string => project.write(join('incoming', name), text);
/** The rows of `labelled` with a column of numbers behind the others. */
const wider = (rows: number, seed: number): string =>
  labelled(rows, seed)
    .trimEnd()
    .split('\n')
    .map((line, i) => `${line},${i === 0 ? 'z' : i}\n`)
    .join('');

const flags = (contract: Record<string, string>): string[] =>
  Object.entries({ source: 'incoming/', target: 'label', ...contract }).flatMap(([name, value]) => [
    '--set',
    `data.${name}=${value}`,
  ]);
const run = (batch: number, contract: Record<string, string>) =>
  project.runJson(String(batch), '--publish', '--pipeline', 'contract', ...flags(contract));

function output(result: ResultDocument, stage: string, path: RegExp): Ref {
  const { outputs } = result.stages.find((one) => one.stage === stage)!;
  return outputs.find((ref) => path.test(ref.path))!;
}

async function encoderOf(result: ResultDocument): Promise<Encoder> {
  const ref = output(result, 'preprocess', /encoder/);
  return encoderFromJson(await store.artifacts.get(ref));
}

const partsOf = (result: ResultDocument): Promise<Ref[]> =>
  store.artifacts.list(output(result, 'preprocess', /train/));

async function expectWhole(): Promise<void> {
  const verified = await project.client('verify', '--all', '--pipeline', 'contract');
  expect({ code: verified.code, stdout: verified.stdout }).toEqual({
    code: 0,
    stdout: expect.stringContaining('all objects are stored and undamaged') as string,
  });
}

/** The stages that `why` says would not be taken from the cache. */
async function wouldRun(batch: number, contract: Record<string, string>): Promise<string[]> {
  const asked = ['why', String(batch), '--pipeline', 'contract', '--json', ...flags(contract)];
  const { stages } = JSON.parse((await project.client(...asked)).stdout) as {
    stages: { stage: string; state: string }[];
  };
  return stages.flatMap(({ stage, state }) => (state === 'cached' ? [] : [stage]));
}

describe('the data contract', () => {
  it('takes a new column in, and leaves what was encoded before as it is', async () => {
    put('1.csv', labelled(60, 1));
    put('2.csv', wider(60, 2));
    const first = await run(1, {});
    expect(first.warnings.join()).toContain('it adds column "z", which earlier batches lack');
    const second = await run(2, { on_new_column: 'adapt' });
    expect(second.warnings).toContain(
      'prepare_batch: 2.csv adds column "z": a feature from this batch on, and missing in earlier ones',
    );
    expect((await encoderOf(first)).features.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await encoderOf(second)).features.map(({ name }) => name)).toEqual(['a', 'b', 'z']);
    const [before] = await partsOf(first);
    const [same, added] = await partsOf(second);
    expect(same).toEqual(before);
    const columns = async (ref: Ref): Promise<string[]> =>
      partFromArrow(await store.artifacts.get(ref)).features.map(({ name }) => name);
    expect(await columns(same!)).toEqual(['a', 'b']);
    expect(await columns(added!)).toEqual(['a', 'b', 'z']);
    const { added_columns } = (await store.ledgers.read('contract'))!;
    expect(added_columns).toEqual([{ name: 'z', type: 'number', since: 2 }]);
    const again = await run(1, { on_new_column: 'adapt' });
    expect(output(again, 'preprocess', /encoder/)).toEqual(output(first, 'preprocess', /encoder/));
    await expectWhole();
    expect(await wouldRun(2, { on_new_column: 'adapt' })).toEqual(['gate']);
  });

  it('refuses a column that has become text, a label that is new, and goes on once asked to adapt', async () => {
    put('3.csv', wider(60, 3).replace(',7\n', ',seven\n'));
    const adapt = { on_new_column: 'adapt', on_missing_column: 'adapt' };
    const document = await run(2, adapt);
    expect(document.warnings.join()).toMatch(
      /3\.csv in incoming\/ is quarantined: .*column "z": "seven" is not a number/,
    );
    put('3.csv', labelled(60, 3).replaceAll(/(?<=,)low\n(?=1,)/g, 'lower\n'));
    const { code, stdout } = await project.client(
      'run',
      '3',
      '--pipeline',
      'contract',
      '--json',
      ...flags({ ...adapt, on_new_category: 'fail' }),
    );
    expect(code).toBe(1);
    const { error } = JSON.parse(stdout) as { error: { type: string; message: string } };
    expect(error).toMatchObject({
      type: 'BadData',
      message: expect.stringContaining(
        'batch 3 has "lower" in column "label", the target, which the first batch does not have',
      ) as string,
    });
    const ignored = await run(3, { ...adapt, on_new_category: 'ignore' });
    expect(ignored.warnings.join()).toContain('rows with such a label are left out');
    expect((await encoderOf(ignored)).classes).toEqual(['high', 'low']);
    const learnt = await run(3, adapt);
    expect((await encoderOf(learnt)).classes).toEqual(['high', 'low', 'lower']);
    expect(await partsOf(learnt)).toEqual(await partsOf(ignored));
    await expectWhole();
    await run(3, { ...adapt, on_new_category: 'ignore' });
    await expectWhole();
  });

  it.each(['table', 'folder'])(
    'keeps the types a %s was first read by when another is declared later',
    async (kind) => {
      const source = kind === 'table' ? 'zips.csv' : 'zips/';
      if (kind === 'folder') mkdirSync(join(project.folder, 'zips'));
      const path = (name: string): string => (kind === 'table' ? name : join('zips', name));
      project.write(path('zips.csv'), labelled(100, 9));
      project.write(path('zips2.csv'), labelled(50, 10));
      const common = ['--pipeline', `zips-${kind}`, '--set', `data.source=${source}`];
      const flagged = [...common, '--set', 'data.target=label', '--set', 'data.batch_size=50'];
      const declared = ['--set', 'data.columns={"a": "category"}'];
      const columns = (result: ResultDocument): Ref => output(result, 'get_data', /columns/);
      const first = await project.runJson('1', ...flagged, ...declared);
      const second = await project.runJson('2', ...flagged);
      const third = await project.runJson('1', ...flagged, '--set', 'data.columns={"b": "number"}');
      expect([columns(second), columns(third)]).toEqual([columns(first), columns(first)]);
      // The gate compares with the champion, which is version 2 by now.
      expect(third.stages.filter(({ cached }) => !cached)).toMatchObject([{ stage: 'gate' }]);
      expect((await encoderOf(second)).features[0]).toMatchObject({ name: 'a', type: 'category' });
      // Nor does another pipeline get these types, of the same data.
      const other = `others-${kind}`;
      const plain = await project.runJson('1', ...flagged.with(1, other));
      expect((await encoderOf(plain)).features[0]).toMatchObject({ name: 'a', type: 'number' });
    },
  );
});
