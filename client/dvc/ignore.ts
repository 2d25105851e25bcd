import { byCodePoint } from '../../contract/codepoints.ts';
import { lockedStages, type DvcLoop, type DvcStage } from '../../store/dvc/pipeline.ts';

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
  const standing = present.split(/\r?\n/);
  const missing = lines.filter((line) => !standing.includes(line));
  const end = present === '' || present.endsWith('\n') ? '' : '\n';
  return present + end + missing.map((line) => `${line}\n`).join('');
}
