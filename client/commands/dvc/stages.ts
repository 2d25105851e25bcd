import { parse } from 'yaml';
import { canonicalJson, isObject } from '../../../contract/canonical-json.ts';
import { findEntry, listOwnInputs } from '../../../contract/stages.ts';
import { isDirectory, type Ref, withPath } from '../../../contract/ref.ts';
import type { Artifacts } from '../../../store/artifacts.ts';
import {
  FILE,
  KEY,
  type DvcItem,
  type DvcLoop,
  type DvcStage,
} from '../../../store/dvc/pipeline.ts';
import { listEachBatch } from '../../versions.ts';
import type { VersionRecord } from '../../../store/version-record.ts';

/** A version as it is stored: its stages, and the files of their directories. */
export interface StoredVersion {
  record: VersionRecord;
  stages: StoredStage[];
  /** The files of every directory that a stage made, by the directory's path. */
  files: Map<string, Ref[]>;
  /** The outputs that a later stage reads for each batch, by the stage that makes them. */
  eachBatch: Map<string, Ref[]>;
}

export interface StoredStage {
  name: string;
  inputs: Ref[];
  outputs: Ref[];
  /** The params it read, by dotted name as in params.yaml. */
  params: Record<string, unknown>;
}

/**
 * Reads the manifests that a version's record names.
 * @throws DamagedArtifact when one is missing or damaged.
 */
export async function readVersion(
  artifacts: Pick<Artifacts, 'list'>,
  record: VersionRecord,
): Promise<StoredVersion> {
  const stages = record.stages.map(({ stage, inputs, outputs, params }): StoredStage => ({
    name: stage,
    inputs: listOwnInputs({ stage, inputs }),
    outputs: Object.values(outputs),
    params: nameParams(params, record.params),
  }));
  const directories = stages.flatMap(({ outputs }) => outputs.filter(isDirectory));
  const files = await Promise.all(
    directories.map(async (ref) => [ref.path, await artifacts.list(ref)] as const),
  );
  const eachBatch = await listEachBatch(artifacts, record);
  return { record, stages, files: new Map(files), eachBatch };
}

/**
 * The params that a stage read, by their names in params.yaml. A whole section is named as one; other values are
 * named `section.value`.
 */
function nameParams(
  read: Record<string, unknown>,
  params: Record<string, unknown>,
): Record<string, unknown> {
  const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
  return Object.fromEntries(
    Object.entries(read).flatMap(([name, value]) => {
      const whole = params[name];
      if (whole !== undefined && same(whole, value)) return [[name, value]];
      if (isObject(whole) && isObject(value)) {
        const known = Object.entries(value).filter(([key, inner]) => same(whole[key], inner));
        return known.map(([key, inner]) => [`${name}.${key}`, inner]);
      }
      const section = Object.entries(params).find(([, values]) => {
        const inner = values as Record<string, unknown>;
        return name in inner && same(inner[name], value);
      });
      return section === undefined ? [] : [[`${section[0]}.${name}`, value]];
    }),
  );
}

/**
 * The stages of a version for dvc.yaml: those of the record, each with its inputs and outputs. A stage whose
 * outputs are read for each batch becomes a loop over batches 1..N, and the stage that reads them depends on all.
 */
export function makeDvcStages(version: StoredVersion): (DvcStage | DvcLoop)[] {
  const { eachBatch, record } = version;
  const batches = [...eachBatch.values()].flat();
  const outs = [...batches, ...version.stages.flatMap(({ outputs }) => outputs)];
  const item = itemIn(version);
  const describe = (
    { name, params }: StoredStage,
    { inputs, outputs }: { inputs: Ref[]; outputs: Ref[] },
    batch: number | string = record.version,
  ): DvcStage => ({
    name,
    command: writeStageCommand(name, batch),
    // DVC looks for each dependency on disk, so the source of get_data, which no stage makes, is left out.
    deps: inputs
      .filter((ref) => outs.some((out) => isSame(out, ref)))
      .filter((ref) => !outputs.some((out) => out.path === ref.path))
      .map(item),
    params,
    outs: outputs.map(item),
  });
  return version.stages.map((stage) => {
    const { name, inputs } = stage;
    const made = eachBatch.get(name);
    if (made !== undefined) return makeLoop(stage, made, describe);
    const read = Object.values(findEntry(name)?.inputs ?? {}).flatMap((input) =>
      'eachBatch' in input ? (eachBatch.get(input.eachBatch) ?? []) : [],
    );
    return describe(stage, { ...stage, inputs: [...read, ...inputs] });
  });
}

function makeLoop(
  stage: StoredStage,
  batches: readonly Ref[],
  describe: (
    stage: StoredStage,
    of: { inputs: Ref[]; outputs: Ref[] },
    batch: number | string,
  ) => DvcStage,
): DvcLoop {
  const { name, inputs } = stage;
  const folder = batches[0]!.path.replace(/[^/]*$/, '');
  const form = describe(
    stage,
    { inputs, outputs: [withPath(`${folder}${FILE}`, batches[0]!)] },
    KEY,
  );
  const stages = batches.map((batch, i) => ({
    key: String(i + 1),
    file: batch.path.slice(folder.length),
    stage: describe(stage, { inputs, outputs: [batch] }, i + 1),
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

/**
 * The command that runs a stage of a version, without its settings. With `--no-install`, npx fails outside of the
 * project folder, where it would install a package of the same name.
 */
export function writeStageCommand(stage: string, batch: number | string): string {
  return `npx --no-install retrain stage ${stage}${findEntry(stage)?.perBatch === false ? '' : ` ${batch}`}`;
}

/**
 * The arguments with which a stage of this project repeats what it did for that version: the pipeline, and every
 * pinned param, because a worker's params.yaml can differ.
 */
export function writeSettings({ pipeline, params }: VersionRecord): string {
  const sets = Object.entries(params).flatMap(([section, values]) =>
    Object.entries(values as Record<string, unknown>).map(
      ([name, value]) => `--set ${quoteForShell(`${section}.${name}=${writeValue(value)}`)}`,
    ),
  );
  return [`--pipeline ${pipeline}`, ...sets].join(' ');
}

/** A value as `--set` reads it: YAML on one line, without quotes where YAML needs none. */
function writeValue(value: unknown): string {
  if (typeof value === 'string' && /^[\w./-]+$/.test(value) && parse(value) === value) return value;
  return JSON.stringify(value);
}

/**
 * Quotes a word for the shell. `${` is split between two quoted texts, because DVC replaces it even in quotes.
 */
function quoteForShell(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text
    .replaceAll("'", String.raw`'\''`)
    .split('${')
    .join("$''{")}'`;
}
