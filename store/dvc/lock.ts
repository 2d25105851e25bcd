import { byCodePoint } from '../../contract/codepoints.ts';
import { lockedStages, type DvcItem, type DvcPipeline, type DvcStage } from './stage.ts';
import { toYaml } from './yaml.ts';

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
