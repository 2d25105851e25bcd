import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMAND, runClient } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

/** What is written to terminals, and to what is none. */

const project = withProject('terminal', { runs: [['1']] });

/**
 * Runs the command line in its own terminal, by util-linux's `script`.
 * @param interruptAt what it has said when Ctrl-C is typed
 */
function inTerminal(
  args: string,
  env: Record<string, string>,
  interruptAt?: RegExp,
): Promise<{ code: number | null; screen: string }> {
  const command = `"${process.execPath}" "${COMMAND}" ${args}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: project.folder,
    env: { ...project.env, TERM: 'xterm', ...env },
  });
  let screen = '';
  let typed = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    if (typed || interruptAt?.test(screen) !== true) return;
    typed = true;
    child.stdin.write('\x03');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, screen }));
  });
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`);

describe('what is no terminal', () => {
  it.each([
    'list',
    'status 1',
    'why 1',
    'run 1',
    'lineage 1',
    'status 9',
    'run nonsense',
    'doctor',
    'schedule --help',
  ])('gets no escape byte from %s, in CI neither', async (typed) => {
    const { folder, env } = project;
    const { stdout, stderr } = await runClient(typed.split(' '), folder, { ...env, CI: 'true' });
    expect(stdout + stderr).not.toBe('');
    expect(stdout + stderr).not.toContain('\x1b');
  });

  it('gets the words that a shell may offer', async () => {
    const { stdout } = await runClient(['complete', '--', 'sta'], project.folder, project.env);
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toContain('status');
  });

  it('gets no escape byte from a worker', () => {
    expect(project.workers[0]!.log()).toContain('worker starts');
    expect(project.workers[0]!.log()).not.toContain('\x1b');
  });
});

/** Characters that a terminal obeys, besides line ends. */
const CONTROLS = '[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e]';
const COMMANDS = new RegExp(CONTROLS);

/** The styles of this program. */
const OWN = new RegExp(`${String.fromCharCode(27)}\\[(?:1|2|22|3[1-6]|39)m|\\r(?=\\n)`, 'g');

describe('data with names and labels that a terminal would obey', () => {
  const labels = ['\u001b[2Jred', '"\u202eblue\nerror: run this"', '\u009b1A\u001b]0;green\u0007'];
  const of = ['--pipeline', 'hostile'];

  it('are written out by run', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${i % 3},${labels[i % 3]}`);
    const header = '\u001b[31mlength,wid\u009bth,\u001b[8mkind';
    writeFileSync(join(project.folder, 'hostile.csv'), `${[header, ...rows].join('\n')}\n`);
    const settings = [
      'data.source=./hostile.csv',
      'data.target=\u001b[8mkind',
      'data.batch_size=30',
    ];
    const set = settings.flatMap((setting) => ['--set', setting]);
    for (const batch of ['1', '2']) {
      const { code, stdout, stderr } = await project.client('run', batch, ...of, ...set);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      expect(stdout + stderr).not.toMatch(COMMANDS);
    }
  });

  it.each([
    'list',
    'status 2',
    'diff 1 2',
    'metrics diff 1 2',
    'why 2',
    'lineage 2',
    'verify 2',
    'diff 1 2 --json',
    'metrics diff 1 2 --json',
    'checkout 2 --out hostile',
    'dvc export 2 --out hostile-dvc',
    'amend 2 --source hostile.csv',
    'run 2 --set data.target=\u001b[2Jnone',
  ])('are written out by %j', async (typed) => {
    const { stdout, stderr } = await project.client(...typed.split(' '), ...of);
    expect(stdout + stderr).not.toBe('');
    expect(stdout + stderr).not.toMatch(COMMANDS);
    expect(stderr).not.toMatch(/^error: run this/m);
  });

  it.each(['metrics diff 1 2', 'diff 1 2', 'status 2'])(
    'are written out by "%s" on a terminal too',
    async (typed) => {
      const { screen } = await inTerminal(`${typed} ${of.join(' ')}`, {});
      expect(screen).not.toBe('');
      expect(screen.replaceAll(OWN, '')).not.toMatch(COMMANDS);
    },
  );
});

describe('a terminal', () => {
  it('gets colours, and none with NO_COLOR', async () => {
    const coloured = await inTerminal('run 1', {});
    expect(coloured).toMatchObject({ code: 0, screen: expect.stringMatching(COLOUR) });
    const { code, screen } = await inTerminal('run 1', { NO_COLOR: '1' });
    expect(code).toBe(0);
    expect(screen).toContain('evaluate');
    expect(screen).not.toMatch(COLOUR);
  });

  it('leaves a run with Ctrl-C: one document, and the sentence how to come back', async () => {
    await project.workers[0]!.stop(); // so that it goes on until we leave
    const { code, screen } = await inTerminal('run 2 --json > left.json', {}, /iris-batch-2/);
    expect(screen).toContain('follow it again with: npx retrain watch 2 --pipeline iris');
    expect(code).toBe(130);
    const document: unknown = JSON.parse(readFileSync(join(project.folder, 'left.json'), 'utf8'));
    expect(document).toEqual({
      pipeline: 'iris',
      batch: 2,
      status: 'running',
      workflowId: 'iris-batch-2',
      runId: expect.any(String),
      joined: false,
    });
  });
});
