import { BATCHES, MERGED } from '../../contract/paths.ts';
import { FILE, KEY, type DvcItem, type DvcLoop, type DvcStage } from '../../store/dvc/pipeline.ts';
import { at, type Ref } from '../../contract/ref.ts';
import { stageCommandLine } from './command.ts';
import type { StoredStage, StoredVersion } from './version.ts';

/**
 * The stages of a version as DVC has them: the same six, each over what it read and left, but that
 * batches 1..N are all there (a loop over prepare_batch), and that merge_data depends on them.
 */
export function dvcStages(version: StoredVersion): (DvcStage | DvcLoop)[] {
  const batches = (version.files.get(MERGED) ?? []).map((file) =>
    at(`${BATCHES}${file.path}`, file),
  );
  const outs = [...batches, ...version.stages.flatMap(({ outputs }) => outputs)];
  const item = itemIn(version);
  const stageOf = (
    { name, params }: StoredStage,
    { inputs, outputs }: { inputs: Ref[]; outputs: Ref[] },
    batch: number | string = version.record.version,
  ): DvcStage => ({
    name,
    command: stageCommandLine(name, batch),
    // DVC looks for each on disk: what no stage here leaves (the source get_data read) it cannot know.
    deps: inputs
      .filter((ref) => outs.some((out) => isSame(out, ref)))
      .filter((ref) => !outputs.some((out) => out.path === ref.path))
      .map(item),
    params,
    outs: outputs.map(item),
  });
  return version.stages.map((stage) => {
    if (stage.name === 'prepare_batch') return loopOver(stage, batches, stageOf);
    if (stage.name === 'merge_data') return stageOf(stage, { ...stage, inputs: batches });
    return stageOf(stage, stage);
  });
}

function loopOver(
  stage: StoredStage,
  batches: readonly Ref[],
  stageOf: (
    stage: StoredStage,
    of: { inputs: Ref[]; outputs: Ref[] },
    batch: number | string,
  ) => DvcStage,
): DvcLoop {
  const { name, inputs } = stage;
  const form = stageOf(stage, { inputs, outputs: [at(`${BATCHES}${FILE}`, batches[0]!)] }, KEY);
  const stages = batches.map((batch, i) => ({
    key: String(i + 1),
    file: batch.path.slice(BATCHES.length),
    stage: stageOf(stage, { inputs, outputs: [batch] }, i + 1),
  }));
  return { name, stages, form };
}

function isSame(a: Ref, b: Ref): boolean {
  return a.path === b.path && a.md5 === b.md5;
}

function itemIn({ files }: StoredVersion): (ref: Ref) => DvcItem {
  return ({ path, md5, size }) => ({
    path: path.replace(/\/$/, ''),
    md5,
    size,
    nfiles: files.get(path)?.length,
  });
}
