import { byCodePoint } from '../../../contract/codepoints.ts';
import type { BucketOptions } from '../../../store/bucket.ts';
import {
  type DvcPipeline,
  lockedStages,
  type DvcLoop,
  type DvcStage,
} from '../../../store/dvc/pipeline.ts';
import { dvcConfig, dvcLock, dvcYaml, toYaml } from '../../../store/dvc/writers.ts';
import type { MetricsFile } from '../../../store/metrics-file.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { plotsOf } from './plots.ts';
import { settingsOf, dvcStages, type StoredVersion } from './stages.ts';

/** What the files depend on besides the version. */
export interface Surroundings {
  storage: BucketOptions;
  /** Whether the folder is in no git repository. */
  noScm: boolean;
  /** The .gitignore that is there. */
  gitignore: string;
}

/**
 * The files of the DVC repository of a version, by path. The headline metrics have a file of
 * the same name in every version, for `dvc metrics diff` compares files of one name; it and the plots'
 * are small and go into git, so that comparing commits needs no bucket.
 */
export function describeFiles(
  version: StoredVersion,
  metrics: MetricsFile,
  { storage, noScm, gitignore }: Surroundings,
): Map<string, string> {
  const { record } = version;
  const build = `version ${record.version} of ${record.pipeline}, build ${record.seq}`;
  const plots = plotsOf(metrics);
  const pipeline: DvcPipeline = {
    settings: settingsOf(record),
    stages: dvcStages(version),
    metrics: ['metrics.json'],
    plots: plots.map(({ plot }) => plot),
  };
  return new Map([
    ['dvc.yaml', dvcYaml(pipeline, `${build}, as "dvc export" wrote it: see the README`)],
    ['dvc.lock', dvcLock(pipeline)],
    ['params.yaml', toYaml(record.params, `the params of ${build}`)],
    ['metrics.json', scoresOf(record.metrics)],
    ...plots.flatMap(({ files }) => Object.entries(files)),
    ['.dvc/config', dvcConfig(storage, { noScm })],
    ['.dvc/.gitignore', DVC_IGNORE],
    ['.gitignore', withLines(gitignore, ignoreLines(pipeline.stages))],
  ]);
}

/** The numbers of a metrics file that say which it is: a change of theirs is no change for the better. */
const NO_SCORES = new Set(['schema', 'batch']);

function scoresOf(metrics: VersionRecord['metrics']): string {
  const scores = Object.entries(metrics).filter(([name]) => !NO_SCORES.has(name));
  return `${JSON.stringify(Object.fromEntries(scores), null, 2)}\n`;
}

/** What .dvc/.gitignore says in every DVC repository (`dvc/repo/__init__.py` in its package). */
export const DVC_IGNORE = '/config.local\n/tmp\n/cache\n';

/** Where `dvc plots` puts the pages it makes. */
const PLOTS = '/dvc_plots/';

/** The lines by which git leaves the pulled files alone: the folders at the top that hold them. */
export function ignoreLines(stages: readonly (DvcStage | DvcLoop)[]): string[] {
  const paths = lockedStages(stages).flatMap(([, { outs }]) => outs.map(({ path }) => path));
  const tops = paths.map((path) => (path.includes('/') ? `/${path.split('/')[0]}/` : `/${path}`));
  return [...new Set([...tops, PLOTS])].sort(byCodePoint);
}

/** A .gitignore with these lines too; a person's own lines stay. */
export function withLines(present: string, lines: readonly string[]): string {
  const own = present.split(/\r?\n/);
  const missing = lines.filter((line) => !own.includes(line));
  const end = present === '' || present.endsWith('\n') ? '' : '\n';
  return present + end + missing.map((line) => `${line}\n`).join('');
}
