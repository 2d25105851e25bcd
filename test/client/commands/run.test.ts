import { afterEach, expect, it, vi } from 'vitest';
import { runCommand } from '../../../client/commands/run.ts';
import { BadParams } from '../../../contract/failures.ts';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

it.each([
  [[], null],
  [['--pipeline', 'wine'], 'wine'],
])(
  'run %j --json names the pipeline, or null where params.yaml cannot be read',
  async (flags, pipeline) => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const configure = () => Promise.reject(new BadParams('params.yaml: x is not a known key'));
    const command = runCommand({ root: '/nowhere', configure });
    await command.parseAsync(['1', ...flags, '--json'], { from: 'user' });
    expect(process.exitCode).toBe(2);
    const document: unknown = JSON.parse(written.mock.calls.map(([text]) => String(text)).join(''));
    expect(document).toMatchObject({ pipeline, batch: 1, error: { type: 'BadParams' } });
  },
);
