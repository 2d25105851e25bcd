import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../contract/failures.ts';

/**
 * Installs npm packages that only one command of the developers needs, so that they are no dependencies of the
 * project. Does nothing if they are there.
 * @param source folder of their package.json and package-lock.json
 * @returns the folder node_modules in `folder`
 * @throws SetupError when npm fails
 */
export function installDevTools(source: string, folder: string): string {
  const installed = join(folder, 'installed.json');
  const lock = join(source, 'package-lock.json');
  const modules = join(folder, 'node_modules');
  if (existsSync(installed) && readFileSync(installed).equals(readFileSync(lock))) return modules;
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(source, file), join(folder, file));
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', ['ci', '--legacy-peer-deps', ...quiet], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0)
    throw new SetupError(`the packages of ${source} cannot be installed: see the messages above`);
  copyFileSync(lock, installed);
  return modules;
}
