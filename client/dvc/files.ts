import type { MetricsFile } from '../../store/metrics-file.ts';
import type { BucketOptions } from '../../store/bucket.ts';
import { dvcConfig, dvcLock, dvcYaml, toYaml } from '../../store/dvc/writers.ts';
import type { DvcPipeline } from '../../store/dvc/pipeline.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { settingsOf } from './command.ts';
import { DVC_IGNORE, ignoreLines, withLines } from './ignore.ts';
import { plotsOf } from './plots.ts';
import { dvcStages } from './stages.ts';
import type { StoredVersion } from './version.ts';

/** What the files depend on besides the version. */
export interface Surroundings {
  storage: BucketOptions;
  /** Whether the folder is in no git repository. */
  noScm: boolean;
  /** The .gitignore that is there. */
  gitignore: string;
}

/**
 * The files of a DVC repository that stands for a version, by path. The headline metrics have a file of
 * the same name in every version, for `dvc metrics diff` compares files of one name; it and the plots'
 * are small and go into git, so that comparing commits needs no bucket.
 */
export function filesOf(
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
