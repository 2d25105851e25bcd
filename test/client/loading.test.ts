import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** Packages that take long to load. A command imports them when it runs. */
const HEAVY =
  /^(@temporalio|@aws-sdk|@uwdata|arquero|fastify|ml-cart|piscina|prom-client|yaml|zod)(\/|$)/;

/** The packages that each module of a command imports before it runs, by module. */
async function packagesOfCommands(): Promise<Record<string, string[]>> {
  const root = join(import.meta.dirname, '..', '..');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['client.ts'],
    outdir: 'out',
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const packages = (output: string, seen = new Set<string>()): string[] => {
    if (seen.has(output)) return [];
    seen.add(output);
    const imports = metafile.outputs[output]!.imports.filter(
      ({ kind }) => kind === 'import-statement',
    );
    return imports.flatMap(({ path, external }) =>
      external === true ? [path] : packages(path, seen),
    );
  };
  return Object.fromEntries(
    Object.entries(metafile.outputs)
      .filter(([, { entryPoint = '' }]) => /^client(\.ts$|\/commands\/)/.test(entryPoint))
      .map(([output, { entryPoint }]) => [entryPoint!, packages(output)]),
  );
}

it('no command loads a heavy package for its help', async () => {
  const commands = await packagesOfCommands();
  expect(Object.keys(commands)).toContain('client.ts');
  expect(Object.keys(commands)).toContain('client/commands/run.ts');
  // A folder of a command holds one module of the same name, and those that it imports when it runs.
  const declared = Object.entries(commands).filter(([module]) => {
    const [, folder, file] = /commands\/(?:([\w-]+)\/)?([\w-]+)\.ts$/.exec(module) ?? [];
    return folder === undefined || folder === file;
  });
  for (const [module, packages] of declared)
    expect([module, packages.filter((name) => HEAVY.test(name))]).toEqual([module, []]);
});
