import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

function retrain(...words: string[]): string {
  const client = join(root, 'client.ts');
  return execFileSync(process.execPath, ['--import', 'tsx', client, ...words], {
    cwd: root,
    encoding: 'utf8',
  });
}

/** The words that a shell is offered after the last one. */
function complete(...words: string[]): string[] {
  const lines = retrain('complete', '--', ...words)
    .trim()
    .split('\n');
  return lines.filter((line) => !line.startsWith(':')).map((line) => line.split('\t')[0]!);
}

describe('complete', () => {
  it('offers the commands that begin with what was typed', () => {
    expect(complete('sta')).toEqual(['stage', 'status', 'stack']);
  });

  it('offers the commands inside a command, and the flags of a command', () => {
    expect(complete('schedule', '')).toContain('create');
    expect(complete('run', '3', '--with')).toEqual(['--with-missing']);
  });

  it.each(['bash', 'zsh', 'fish'])('prints a script for %s that calls this program', (shell) => {
    expect(retrain('complete', shell)).toContain(`'${join(root, 'retrain')}' complete --`);
  });

  it('prints a script that bash can read', () => {
    const read = spawnSync('bash', ['-n'], { input: retrain('complete', 'bash') });
    expect(read.status).toBe(0);
  });
});
