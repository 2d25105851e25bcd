import { describe, expect, it } from 'vitest';
import { result } from '../../contract/messages.ts';
import { readCodeBlocks } from '../support/code-blocks.ts';
import { runScript } from '../support/shell.ts';
import { withProject } from '../support/with-project.ts';

/** Runs that others start: the commands of docs/other-clients.md as they are written, wrong input, missing versions. */

const project = withProject('others', {
  prepare: ({ client }) => client('search-attributes', 'register'),
});
const { temporal } = project;

/** The shell blocks of the page, as they are typed. */
const blocks = readCodeBlocks('other-clients.md', 'sh');

describe('the page’s commands', () => {
  it('start, run, list, query and reset a run', async () => {
    const [block] = blocks;
    const said = await runScript(project, block!);
    expect(said).toContain('iris-batch-1');
    expect(said).toMatch(/Status +COMPLETED/i);
    expect(said).toMatch(/"outcome\\?": ?\\?"trial/);
    const { version, params } = await temporal.workflow.getHandle('iris-batch-2').result();
    expect(version.version).toBe(2); // of the reset run, with the input it was first given
    expect(params.model.max_depth).toBe(4);
  });

  it('cancel one', async () => {
    await runScript(project, blocks[1]!);
    const cancelled = temporal.workflow.getHandle('iris-batch-3').result();
    await expect(cancelled).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });
});

describe('wrong input', () => {
  it.each([
    ['a string', 'two', /the document is "two"/],
    ['a list', [1], /the document is \[1\]/],
    ['null', null, /the document is null/],
    ['a number', 2, /the document is 2/],
    ['a wrong type', { batch: '2' }, /batch is "2"/],
    ['an unknown key', { batch: 2, depth: 4 }, /depth is not a known key/],
    [
      'an unknown param',
      { batch: 2, params: { model: { deep: 4 } } },
      /model\.deep is not a known/,
    ],
    ['params that are a list', { batch: 2, params: [] }, /params is \[\]/],
  ])('%s fails the run at once, with a sentence', async (name, input, sentence) => {
    const handle = await temporal.workflow.start('trainBatch', {
      workflowId: `wrong ${name}`,
      taskQueue: 'incremental-training',
      args: [input],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'BadParams', message: expect.stringMatching(sentence) },
    });
    expect((await handle.query(result)).outcome).toBe('failed');
  });

  it('that is missing fails the run too', async () => {
    const started = temporal.workflow.execute('trainBatch', {
      workflowId: 'wrong nothing',
      taskQueue: 'incremental-training',
    });
    await expect(started).rejects.toMatchObject({ cause: { type: 'BadParams' } });
  });
});

describe('run N --with-missing', () => {
  it('builds the versions that have no record first, in order, sharing what is cached', async () => {
    const flags = ['--pipeline', 'gaps', '--set', 'data.batch_size=30'];
    expect((await project.client('run', '2', ...flags)).code).toBe(0);
    const { code, stderr } = await project.client('run', '4', '--with-missing', ...flags);
    expect(code).toBe(0);
    expect(stderr).toContain('gaps-batch-1 is run first');
    const listed = await project.client('list', '--pipeline', 'gaps', '--json');
    const { versions } = JSON.parse(listed.stdout) as {
      versions: { version: number; build: number; createdAt: string }[];
    };
    expect(versions.map(({ version, build }) => [version, build])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
    ]);
    const made = [1, 3, 4].map((n) => versions[n - 1]!.createdAt);
    expect(made).toEqual(made.toSorted());
    const { stages } = await temporal.workflow.getHandle('gaps-batch-1').result();
    expect(stages[0]).toMatchObject({ stage: 'get_data', state: 'cached' });
  });

  it('is refused before it starts for a batch that does not exist', async () => {
    const { code, stderr } = await project.client(
      'run',
      '9',
      '--with-missing',
      '--pipeline',
      'gaps',
      '--set',
      'data.batch_size=30',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('batch 9 does not exist: the source has 150 rows');
  });
});
