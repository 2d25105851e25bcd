/**
 * A stage as dvc.yaml declares it and dvc.lock records it
 * (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files).
 */
export interface DvcStage {
  name: string;
  /** Without the arguments at the end that all commands of the pipeline share. */
  command: string;
  deps: DvcItem[];
  /** What the stage reads of params.yaml: dotted names and their values. */
  params: Record<string, unknown>;
  outs: DvcItem[];
}

/** A file or directory under its content's hash. */
export interface DvcItem {
  /** Relative to dvc.yaml, `/`-separated, without a slash at the end. */
  path: string;
  /** 32 hex digits, followed by `.dir` for a directory. */
  md5: string;
  /** Bytes; of a directory, the sum of its files. */
  size: number;
  /** How many files a directory has. */
  nfiles?: number | undefined;
}

/** Stages that differ only in a number and a file. They are declared once and locked as `name@number`. */
export interface DvcLoop {
  name: string;
  stages: readonly { key: string; file: string; stage: DvcStage }[];
  /** The common form, with `KEY` and `FILE` where the stages differ. */
  form: DvcStage;
}

/** What dvc.yaml and dvc.lock are written from. */
export interface DvcPipeline {
  /** Arguments that every command ends with. */
  settings: string;
  stages: readonly (DvcStage | DvcLoop)[];
  /** Files that `dvc metrics` reads. */
  metrics: readonly string[];
  plots: readonly DvcPlot[];
}

/** A file that `dvc plots` reads, and how it is drawn. */
export interface DvcPlot {
  path: string;
  title: string;
  template: string;
  x: string;
  y: string;
}

/** Placeholders in a loop's form for the number and the file's name. No path or command contains U+0000. */
export const KEY = '\0key\0';
export const FILE = '\0file\0';

export function isLoop(stage: DvcStage | DvcLoop): stage is DvcLoop {
  return 'form' in stage;
}

/** Returns every stage with its name in dvc.lock. The stages of a loop are listed one by one. */
export function lockedStages(stages: readonly (DvcStage | DvcLoop)[]): [string, DvcStage][] {
  return stages.flatMap((stage): [string, DvcStage][] =>
    isLoop(stage)
      ? stage.stages.map((each) => [`${stage.name}@${each.key}`, each.stage])
      : [[stage.name, stage]],
  );
}
