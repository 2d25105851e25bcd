import { join } from 'node:path';
import { expect, it } from 'vitest';
import { workerPart } from '../../infra/parts/worker.ts';
import { DEFAULT_PORTS } from '../../infra/ports.ts';
import { describeVenv } from '../../infra/python.ts';

const program = join(import.meta.dirname, '..', '..');

it('the worker of a project folder without code runs the code of the program', () => {
  const root = '/a/project';
  const part = workerPart({
    dir: join(root, '.stack'),
    root,
    ports: DEFAULT_PORTS,
    inner: {},
    credentials: { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' },
    venv: describeVenv(join(root, '.stack', 'venv')),
  });
  expect(part.command.at(-1)).toBe(join(program, 'worker.ts'));
  expect(part).toMatchObject({ cwd: root, env: { RETRAIN_ROOT: root } });
  expect(part.edition!()).toMatch(/^[0-9a-f]{64}$/);
});
