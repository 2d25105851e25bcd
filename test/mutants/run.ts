import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../../contract/failures.ts';
import { installDevTools } from '../../infra/dev-tools.ts';
import { fetchNode, root } from '../support/nodes.ts';

/**
 * `npm run mutants [-- path ...]`: mutation testing. StrykerJS changes the code in one place at a time; a change
 * that no unit test notices survives. Prints each survivor, and the score of each folder. A path is one of these
 * folders, or a folder or file in one, or lines of a file (`store/dump.ts:20-40`): then the rest is not measured again.
 */
interface Folder {
  /** Globs of test files; by default the folder's own, below test/. */
  tests?: readonly string[];
  /** Files, and folders that end in a slash, that are not changed. */
  except?: readonly string[];
  /** Its test files replace modules, so each needs a separate thread. The others are faster in one. */
  mocks?: boolean;
  /** Also change what is computed once, when a file is loaded: each such change runs all of the folder's tests. */
  constants?: boolean;
}

const FOLDERS: Readonly<Record<string, Folder>> = {
  store: {},
  // A pixel more in a drawing is no fault.
  'pipeline/scoring': { ...partOfPipeline('scoring'), except: ['report/'] },
  'pipeline/batches': {
    tests: [
      // It reads 72 MB.
      'test/pipeline/batches/!(larger-than-memory).test.ts',
      'test/pipeline/{cases,regression}.test.ts',
      'test/pipeline/features/later-columns.test.ts',
    ],
  },
  // What is read for the split of rows is tested with the split.
  'pipeline/features': partOfPipeline('features', 'test/pipeline/batches/split.test.ts'),
  'pipeline/csv': {
    tests: [
      // It reads 64 MB, which takes too long for each change.
      'test/pipeline/csv/!(endless-row).test.ts',
      // The bytes of rows are read where a table grows.
      'test/pipeline/batches/{grow-table,cut,inspect,conform}.test.ts',
    ],
  },
  'pipeline/predictions': {},
  'pipeline/models': {
    tests: [
      'test/pipeline/models/*.test.ts',
      // It fits many trees by ml-cart, which takes too long for each change. The other tests compare bytes.
      'test/pipeline/models/cart/!(fit-ml-cart).test.ts',
      'test/pipeline/*.test.ts',
      // A tree's graph and its shares of classes are tested where they are used.
      'test/pipeline/predictions/{onnx,predictor}.test.ts',
    ],
    // A change in the trainer's barriers or shared memory leaves threads that wait for each other.
    except: ['cart/team.ts', 'cart/together.ts', 'cart/block.ts', 'cart/task.ts'],
  },
  contract: { constants: true, mocks: true },
  workflows: {},
};

/** A folder's own tests, those of the whole pipeline, and others. */
function partOfPipeline(name: string, ...others: readonly string[]): Folder {
  return { tests: [`test/pipeline/${name}/**/*.test.ts`, 'test/pipeline/*.test.ts', ...others] };
}

/** StrykerJS 10 needs Node 22; this project also runs on Node 20. */
const NODE = '22.23.3';

const kept = join(root, '.stack', 'mutants');

interface Report {
  files: Record<string, { mutants: Mutant[] }>;
}

interface Mutant {
  status: string;
  mutatorName: string;
  replacement?: string;
  location: { start: { line: number; column: number } };
}

/** A path of a file, or of lines of it. */
const OF_FILE = /\.ts(?::\d+-\d+)?$/;

const paths = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(FOLDERS);
const wanted = new Map<string, string[]>();
for (const path of paths) {
  const name = findFolder(path);
  wanted.set(name, [...(wanted.get(name) ?? []), path]);
}
// StrykerJS is no dependency of the project: 170 packages that nobody else needs, and another Node.
const modules = installDevTools(import.meta.dirname, join(kept, 'tools'));
const tools = join(modules, '@stryker-mutator');
const runtime = chooseNode();
const scores = [...wanted].map(([name, chosen]) => measure(name, chosen));
process.stdout.write(`\n${'folder'.padEnd(22)}score  killed  survived\n${scores.join('\n')}\n`);

function findFolder(path: string): string {
  const name = Object.keys(FOLDERS).find((folder) => `${path}/`.startsWith(`${folder}/`));
  if (name !== undefined) return name;
  throw new SetupError(`${path} is not measured: name one of ${Object.keys(FOLDERS).join(', ')}`);
}

function chooseNode(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const fetched = fetchNode(NODE);
  if (fetched === undefined)
    throw new SetupError(
      `StrykerJS needs Node 22, and the npm package of Node ${NODE} cannot be installed: run this with Node 22`,
    );
  return fetched;
}

/** Returns the folder's line of the table. */
function measure(name: string, chosen: readonly string[]): string {
  const folder = FOLDERS[name]!;
  mkdirSync(kept, { recursive: true });
  const config = fileOf(name, 'config');
  writeFileSync(config, JSON.stringify(stryker(name, chosen), undefined, 2));
  const tests = folder.tests ?? [`test/${name}/**/*.test.ts`];
  const { status } = spawnSync(runtime, [join(tools, 'core', 'bin', 'stryker.js'), 'run', config], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      RETRAIN_MUTANTS_TESTS: tests.join(' '),
      RETRAIN_MUTANTS_MOCKS: String(folder.mocks === true),
    },
  });
  if (status !== 0) throw new SetupError(`${name} was not measured: see the messages above`);
  const report = JSON.parse(readFileSync(fileOf(name, 'report'), 'utf8')) as Report;
  // A report also has what was measured before of files that are not changed any more.
  const files = Object.entries(report.files).filter(
    ([file]) => !(folder.except ?? []).some((left) => file.startsWith(`${name}/${left}`)),
  );
  for (const [file, { mutants }] of files)
    for (const mutant of mutants.filter(hasSurvived))
      process.stdout.write(`${file}:${describeMutant(mutant)}\n`);
  return summarize(
    name,
    files.flatMap(([, { mutants }]) => mutants),
  );
}

function fileOf(name: string, kind: string): string {
  return join(kept, `${name.replaceAll('/', '-')}.${kind}.json`);
}

/** The options of StrykerJS. */
function stryker(name: string, chosen: readonly string[]): object {
  const { except = [], constants = false } = FOLDERS[name]!;
  return {
    testRunner: 'vitest',
    plugins: [join(tools, 'vitest-runner', 'dist', 'src', 'index.js')],
    vitest: { configFile: 'test/mutants/vitest.config.ts', related: false, pool: 'threads' },
    mutate: [
      ...chosen.map((path) => (OF_FILE.test(path) ? path : `${path}/**/*.ts`)),
      `!${name}/**/*.d.ts`,
      ...except.map((file) => `!${name}/${file}${file.endsWith('/') ? '**' : ''}`),
    ],
    // Most texts are sentences for people. Tests that repeat every sentence only hinder better ones.
    mutator: { excludedMutations: ['StringLiteral'] },
    ignoreStatic: !constants,
    coverageAnalysis: 'perTest',
    concurrency: Number(process.env['RETRAIN_MUTANTS_AT_ONCE'] ?? 1),
    timeoutMS: 8_000,
    dryRunTimeoutMinutes: 30,
    incremental: true,
    incrementalFile: fileOf(name, 'incremental'),
    ignorePatterns: ['.stack', 'dist', '/docs', '/bench', '/metrics', '/data', '/models'],
    tempDirName: join('.stack', 'mutants', 'sandbox'),
    disableTypeChecks: false,
    // StrykerJS would rewrite the paths in it, with an API that TypeScript 7 does not have.
    tsconfigFile: 'none.json',
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: fileOf(name, 'report') },
    allowConsoleColors: false,
  };
}

function hasSurvived({ status }: Mutant): boolean {
  return status === 'Survived' || status === 'NoCoverage';
}

function describeMutant({ location, status, mutatorName, replacement = '' }: Mutant): string {
  const { line, column } = location.start;
  const code = replacement.replaceAll(/\s+/g, ' ').slice(0, 100);
  return `${line}:${column} ${status === 'NoCoverage' ? 'no test' : 'survived'}: ${mutatorName} ${code}`;
}

function summarize(name: string, mutants: readonly Mutant[]): string {
  const survived = mutants.filter(hasSurvived).length;
  const killed = mutants.filter(({ status }) => /Killed|Timeout/.test(status)).length;
  const score = ((100 * killed) / Math.max(1, killed + survived)).toFixed(1);
  return `${name.padEnd(20)}${score.padStart(5)} %${String(killed).padStart(8)}${String(survived).padStart(10)}`;
}
