import { canonicalJson } from '../../contract/canonical-json.ts';
import type { Artifacts } from '../../store/artifacts.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';

/** A version as the store tells it: its stages, and what their directories hold. */
export interface StoredVersion {
  record: VersionRecord;
  stages: StoredStage[];
  /** The files of every directory that a stage left, by the directory's path. */
  files: Map<string, Ref[]>;
}

export interface StoredStage {
  name: string;
  inputs: Ref[];
  outputs: Ref[];
  /** What it read, by dotted name as in params.yaml. */
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
    inputs: Object.values(inputs),
    outputs: Object.values(outputs),
    params: dotted(params, record.params),
  }));
  const directories = stages.flatMap(({ outputs }) => outputs.filter(isDirectory));
  const files = await Promise.all(
    directories.map(async (ref) => [ref.path, await artifacts.list(ref)] as const),
  );
  return { record, stages, files: new Map(files) };
}

/**
 * The names in params.yaml of what a stage read: a whole section stands there as it is, or in the values
 * that the stage read of it; a single value in the section that has it.
 */
function dotted(
  read: Record<string, unknown>,
  params: Record<string, unknown>,
): Record<string, unknown> {
  const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
  return Object.fromEntries(
    Object.entries(read).flatMap(([name, value]) => {
      const whole = params[name];
      if (whole !== undefined && same(whole, value)) return [[name, value]];
      if (isSection(whole) && isSection(value)) {
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

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
