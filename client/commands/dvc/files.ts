import { byCodePoint } from '../../../contract/codepoints.ts';
import { NOT_SCORES } from '../../../contract/metric-sets.ts';
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
import { makePlots } from './plots.ts';
import { writeSettings, makeDvcStages, type StoredVersion } from './stages.ts';
import { RETRAIN } from '../../../contract/command.ts';

/** The values, besides the version, that affect the files. */
export interface Surroundings {
  storage: BucketOptions;
  /** Whether the folder is in no git repository. */
  noScm: boolean;
  /** The .gitignore that is there. */
  gitignore: string;
}

/**
 * The files of the DVC repository of a version, by path. The scores are in metrics.json in every version,
 * because `dvc metrics diff` compares files with the same name. This file and those of the plots are small and
 * belong in git, so that two commits can be compared without the bucket.
 */
export function describeDvcFiles(
  version: StoredVersion,
  metrics: MetricsFile,
  { storage, noScm, gitignore }: Surroundings,
): Map<string, string> {
  const { record } = version;
  const build = `version ${record.version} of ${record.pipeline}, build ${record.seq}`;
  const plots = makePlots(metrics);
  const pipeline: DvcPipeline = {
    settings: writeSettings(record),
    stages: makeDvcStages(version),
    metrics: ['metrics.json'],
    plots: plots.map(({ plot }) => plot),
  };
  return new Map([
    [
      'dvc.yaml',
      dvcYaml(pipeline, `${build}, as "${RETRAIN} dvc export" wrote it: see docs/dvc.md`),
    ],
    ['dvc.lock', dvcLock(pipeline)],
    ['params.yaml', toYaml(record.params, `the params of ${build}`)],
    ['metrics.json', writeScores(record.metrics)],
    ...plots.flatMap(({ files }) => Object.entries(files)),
    ['.dvc/config', dvcConfig(storage, { noScm })],
    ['.dvc/.gitignore', DVC_IGNORE],
    ['.gitignore', addLines(gitignore, listIgnoreLines(pipeline.stages))],
  ]);
}

function writeScores(metrics: VersionRecord['metrics']): string {
  const scores = Object.entries(metrics).filter(([name]) => !NOT_SCORES.has(name));
  return `${JSON.stringify(Object.fromEntries(scores), null, 2)}\n`;
}

/** The .dvc/.gitignore of every DVC repository (`dvc/repo/__init__.py` in DVC's package). */
export const DVC_IGNORE = '/config.local\n/tmp\n/cache\n';

/** Where `dvc plots` puts the pages it makes. */
const PLOTS = '/dvc_plots/';

/** The lines with which git ignores the pulled files: their top folders. */
export function listIgnoreLines(stages: readonly (DvcStage | DvcLoop)[]): string[] {
  const paths = lockedStages(stages).flatMap(([, { outs }]) => outs.map(({ path }) => path));
  const tops = paths.map((path) => (path.includes('/') ? `/${path.split('/')[0]}/` : `/${path}`));
  return [...new Set([...tops, PLOTS])].sort(byCodePoint);
}

/** Adds the lines that a .gitignore lacks, and keeps all others. */
export function addLines(present: string, lines: readonly string[]): string {
  const own = present.split(/\r?\n/);
  const missing = lines.filter((line) => !own.includes(line));
  const end = present === '' || present.endsWith('\n') ? '' : '\n';
  return present + end + missing.map((line) => `${line}\n`).join('');
}
