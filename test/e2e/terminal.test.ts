import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
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

  it('gets none from a worker', () => {
    expect(project.workers[0]!.log()).toContain('worker starts');
    expect(project.workers[0]!.log()).not.toContain('\x1b');
  });
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
