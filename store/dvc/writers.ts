import { stringify } from 'yaml';
import { byCodePoint } from '../../contract/codepoints.ts';
import {
  FILE,
  isLoop,
  KEY,
  type DvcItem,
  type DvcPipeline,
  type DvcStage,
  lockedStages,
} from './pipeline.ts';
import type { BucketOptions } from '../bucket.ts';

/**
 * dvc.yaml (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files). A loop is a `foreach` over
 * a mapping, so that its stages are named `name@key` and not by their files. The arguments that all commands
 * share are a variable, so that the commands are short.
 * @param comment the first line of the file
 */
export function dvcYaml(pipeline: DvcPipeline, comment: string): string {
  const { settings, stages, metrics, plots } = pipeline;
  const document = {
    vars: [{ settings }],
    stages: Object.fromEntries(
      stages.map((stage) => [
        stage.name,
        isLoop(stage)
          ? {
              foreach: Object.fromEntries(stage.stages.map(({ key, file }) => [key, file])),
              do: declared(stage.form),
            }
          : declared(stage),
      ]),
    ),
    ...(metrics.length === 0 ? {} : { metrics }),
    ...(plots.length === 0 ? {} : { plots: plots.map(({ path, ...look }) => ({ [path]: look })) }),
  };
  return toYaml(document, comment);
}

function declared({ command, deps, params, outs }: DvcStage): unknown {
  const read = Object.keys(params).sort(byCodePoint);
  return {
    cmd: `${toTemplate(command)} \${settings}`,
    ...(deps.length === 0 ? {} : { deps: pathsOf(deps) }),
    ...(read.length === 0 ? {} : { params: read }),
    outs: pathsOf(outs),
  };
}

function pathsOf(items: readonly DvcItem[]): string[] {
  return items.map(({ path }) => toTemplate(path)).sort(byCodePoint);
}

/** Turns text into a template of DVC: `${` is escaped, and KEY and FILE become DVC's variables. */
function toTemplate(text: string): string {
  return text.replaceAll('${', '\\${').replaceAll(KEY, '${key}').replaceAll(FILE, '${item}');
}

/**
 * dvc.lock as DVC 3.67 writes it (`dvc/stage/serialize.py` in its package): a stage's keys in the order
 * `cmd, deps, params, outs`, items sorted by path, each with `hash: md5`, without which DVC would look
 * for it in the layout of DVC 2.
 */
export function dvcLock({ settings, stages }: DvcPipeline): string {
  const entries = lockedStages(stages).map(([name, stage]) => [name, locked(stage, settings)]);
  return toYaml({ schema: '2.0', stages: Object.fromEntries(entries) });
}

function locked({ command, deps, params, outs }: DvcStage, settings: string): unknown {
  const read = Object.entries(params).sort(([a], [b]) => byCodePoint(a, b));
  return {
    cmd: `${command} ${settings}`,
    ...(deps.length === 0 ? {} : { deps: itemsOf(deps) }),
    ...(read.length === 0 ? {} : { params: { 'params.yaml': Object.fromEntries(read) } }),
    outs: itemsOf(outs),
  };
}

function itemsOf(items: readonly DvcItem[]): unknown[] {
  return items
    .toSorted((a, b) => byCodePoint(a.path, b.path))
    .map(({ path, md5, size, nfiles }) => ({
      path,
      hash: 'md5',
      md5,
      size,
      ...(nfiles === undefined ? {} : { nfiles }),
    }));
}

/**
 * .dvc/config (https://dvc.org/doc/user-guide/project-structure/configuration) with the bucket as the
 * default remote. It never holds credentials: DVC finds them where AWS's tools do.
 * @param noScm whether the folder is in no git repository
 */
export function dvcConfig(
  { bucket, endpoint, region }: Pick<BucketOptions, 'bucket' | 'endpoint' | 'region'>,
  { noScm }: { noScm: boolean },
): string {
  const lines = [
    '[core]',
    '    remote = store',
    ...(noScm ? ['    no_scm = true'] : []),
    `['remote "store"']`,
    `    url = s3://${bucket}`,
    ...(endpoint === undefined ? [] : [`    endpointurl = ${endpoint}`]),
    `    region = ${region}`,
    // Without it DVC does not hash what it pulls, and accepts a damaged object.
    '    verify = true',
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Writes YAML that readers of YAML 1.2 (DVC's ruamel.yaml) and of YAML 1.1 read the same. Text that one of
 * them would read as another type is quoted. Lines are not folded, and there are no aliases. Quotes and lists
 * look as DVC writes them.
 * @param comment the first line of the file
 */
export function toYaml(value: unknown, comment = ''): string {
  const text = stringify(value, {
    compat: 'yaml-1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
    singleQuote: true,
    indentSeq: false,
  });
  return comment === '' ? text : `# ${comment}\n${text}`;
}
