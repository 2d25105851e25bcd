import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelled, labelledFlags } from '../support/csv.ts';
import { expectPulled, makeDvcFolder } from '../support/dvc.ts';
import { succeed } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** Versions of data that has grown, in rows or in columns, brought back by the real DVC and by checkout. */

const project = withProject('dvc-grown');
const { store } = project;

/** DVC pulls every file of a version, finds it clean and runs nothing; checkout brings the same files. */
async function expectBroughtBack(pipeline: string, version: number): Promise<void> {
  const repo = makeDvcFolder(`${pipeline} ${version}`, project.env);
  const checkedOut = join(project.folder, `${pipeline} ${version}`);
  try {
    const of = [String(version), '--pipeline', pipeline, '--out'];
    await succeed(project.client('dvc', 'export', ...of, repo.folder));
    await succeed(repo.dvc('pull'));
    expect(await repo.dvcJson('status')).toEqual({});
    expect(await repo.dvcJson('status', '--cloud')).toEqual({});
    expect((await succeed(repo.dvc('repro'))).stdout).not.toContain('Running stage');
    await succeed(project.client('checkout', ...of, checkedOut));
    const { stages } = await store.records.latest(pipeline, version);
    for (const { outputs } of stages)
      for (const ref of Object.values(outputs)) await expectPulled(store, repo, ref);
    // Batches are among the merged data there.
    const brought = stages.filter(({ stage }) => stage !== 'prepare_batch');
    for (const { outputs } of brought)
      for (const ref of Object.values(outputs))
        await expectPulled(store, { folder: checkedOut }, ref);
  } finally {
    repo.remove();
  }
}

describe('a table that has grown', () => {
  it('is there as each version has it, its later batches cut from a later state', async () => {
    const run = (batch: number, ...more: string[]) =>
      project.runJson(String(batch), ...labelledFlags('table', 'table.csv'), ...more);
    project.write('table.csv', labelled(60));
    await run(1);
    project.write('table.csv', labelled(160));
    await run(3, '--refresh');
    await run(2);
    const { raw } = (await store.ledgers.read('table'))!;
    expect(raw.map(({ after }) => after)).toEqual([0, 1]);
    await expectBroughtBack('table', 3);
  });
});

describe('files of which a later one has a column more', () => {
  it('are there with the columns each had', async () => {
    mkdirSync(join(project.folder, 'incoming'));
    const flags = ['--pipeline', 'wider', '--set', 'data.target=label'];
    const run = (batch: number) =>
      project.runJson(
        String(batch),
        ...flags,
        '--set',
        'data.source=incoming/',
        '--set',
        'data.on_new_column=adapt',
      );
    project.write('incoming/1.csv', labelled(60, 1));
    await run(1);
    const [header, ...rows] = labelled(60, 2).trimEnd().split('\n');
    project.write(
      'incoming/2.csv',
      [`${header},z`, ...rows.map((row, i) => `${row},${i}`), ''].join('\n'),
    );
    await run(2);
    expect((await store.ledgers.read('wider'))!.added_columns).toMatchObject([{ name: 'z' }]);
    await expectBroughtBack('wider', 2);
  });
});
