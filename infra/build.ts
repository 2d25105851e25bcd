import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * `npm run build`: bundles the command line, the worker, its threads, the workflow code and what programs import into dist/, and
 * copies the files that are not code. The bundles start in a third of the time of the source.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const fresh = join(root, '.stack', `build-${process.pid}`);

/** Files of an earlier build stay for this long, because a process that runs may load them still. */
const KEPT_MS = 24 * 3_600_000;

/** Files that the program reads at run time. */
const FILES = [
  'tracking/pyfunc/__init__.py',
  'tracking/pyfunc/cells.py',
  'tracking/pyfunc/tree.py',
  'sources/datasets/iris.csv',
  'infra/backup.py',
  'infra/parts/mlflow_server.py',
  'infra/bootstrap.txt',
  'infra/requirements.txt',
];

/** Packages that hold native code, or find files beside their own code. */
const EXTERNAL = [
  '@swc/core',
  '@temporalio/core-bridge',
  '@temporalio/worker',
  '@temporalio/workflow',
  'fs-native-extensions',
  'pino',
  'pino-pretty',
  'piscina',
  'webpack',
];

/**
 * Replaces `import.meta.url` by the URL of a file compiled alone: dist/store/lease.js for store/lease.ts. So
 * a path relative to a source file is right in every bundle.
 */
const sourceUrls: Plugin = {
  name: 'source-urls',
  setup: (builder) => {
    builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      const source = await readFile(path, 'utf8');
      const file = relative(root, path).replace(/\.ts$/, '.js');
      const url = `(__dist + ${JSON.stringify(file)})`;
      return { contents: source.replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};

/**
 * Gives `await import('a package in CommonJS')` the names that Node gives it: esbuild alone gives the default
 * export and nothing else.
 */
const importedNames: Plugin = {
  name: 'imported-names',
  setup: (builder) => {
    builder.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      const ours = kind === 'dynamic-import' && !importer.includes('node_modules');
      if (!ours || isBuiltin(path) || isExternal(path, builder.initialOptions)) return undefined;
      return { path, namespace: 'imported-names' };
    });
    builder.onLoad({ filter: /.*/, namespace: 'imported-names' }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter(
        (name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default',
      );
      const lines = names.map((name) => `export const ${name} = whole.${name};`);
      const from = JSON.stringify(path);
      return {
        contents: [`import * as whole from ${from};`, ...lines].join('\n'),
        resolveDir: root,
      };
    });
  },
};

function isExternal(path: string, { external = [] }: BuildOptions): boolean {
  return external.some(
    (one) => path === one || (one.endsWith('*') && path.startsWith(one.slice(0, -1))),
  );
}

const BANNER = [
  // Bundled packages written in CommonJS call it.
  `import { createRequire as __createRequire } from 'node:module';`,
  `const require = __createRequire(import.meta.url);`,
  `const __dist = import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/') + '/dist/'.length);`,
].join('\n');

const shared: BuildOptions = {
  absWorkingDir: root,
  outbase: root,
  outdir: fresh,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: 'linked',
  keepNames: true, // logs and failures name classes
  plugins: [sourceUrls, importedNames],
  banner: { js: BANNER },
  logLevel: 'warning',
};

try {
  mkdirSync(fresh, { recursive: true });
  // Its time is that of the code that is built: `retrain` builds again when a file is newer.
  writeFileSync(join(fresh, 'built'), '');
  await Promise.all([
    build({ ...shared, entryPoints: ['client.ts', 'serving/index.ts'], external: EXTERNAL }),
    // Temporal's packages stay outside, because the worker must load each of them only once.
    build({
      ...shared,
      entryPoints: ['worker.ts', 'compute/thread.ts', 'compute/helper.ts'],
      external: [...EXTERNAL, '@temporalio/*'],
    }),
    bundleWorkflows(),
  ]);
  for (const file of FILES) {
    mkdirSync(join(fresh, dirname(file)), { recursive: true });
    copyFileSync(join(root, file), join(fresh, file));
  }
  place();
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
process.stderr.write('built dist/\n');

/** With a bundle, a worker starts at once and runs exactly the built workflow code. */
async function bundleWorkflows(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(fresh, 'workflow-bundle.js'), code);
}

/**
 * Moves the build to dist/, file by file. Two builds at once do not disturb each other: both write the same
 * files, and each file is replaced whole.
 */
function place(): void {
  const built = new Set(filesIn(fresh));
  for (const file of built) {
    mkdirSync(join(dist, dirname(file)), { recursive: true });
    renameSync(join(fresh, file), join(dist, file));
  }
  for (const file of filesIn(dist)) {
    const path = join(dist, file);
    if (!built.has(file) && Date.now() - statSync(path).mtimeMs > KEPT_MS) rmSync(path);
  }
}

/** The files in a folder and those below it, the marker last. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort((a, b) => Number(a === 'built') - Number(b === 'built'));
}
