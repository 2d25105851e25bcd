import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Folder } from './folder.ts';
import { legalNames } from '../mlflow/limits.ts';

const META = 'meta.yaml';

/** The statuses that MLflow numbers from 1 to 5. https://github.com/mlflow/mlflow/blob/v3.17.0/mlflow/protos/service.proto */
export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;

/** Other fields are accepted, because MLflow's own client writes into the same folder. */
export const experimentMeta = z.looseObject({
  experiment_id: z.coerce.string(),
  name: z.coerce.string(),
  artifact_location: z.string(),
  lifecycle_stage: z.string().default('active'),
});

export const runMeta = z.looseObject({
  run_id: z.string(),
  run_name: z.string().nullish(),
  experiment_id: z.coerce.string(),
  status: z.int().min(1).max(RUN_STATUSES.length).default(1),
  start_time: z.number().nullish(),
  end_time: z.number().nullish(),
  artifact_uri: z.string(),
  lifecycle_stage: z.string().default('active'),
});

/** Reads the `meta.yaml` of a folder. Returns undefined when there is none that has this shape. */
export async function readMeta<T>(
  folder: Folder,
  path: string,
  shape: z.ZodType<T>,
): Promise<T | undefined> {
  const text = await folder.read(join(path, META));
  if (text === undefined) return undefined;
  try {
    return shape.safeParse(parse(text, { version: '1.1' })).data;
  } catch {
    return undefined; // not YAML: MLflow ignores such a folder too
  }
}

/** Writes the `meta.yaml` of a folder, with sorted keys as MLflow writes it. */
export async function writeMeta(folder: Folder, path: string, meta: object): Promise<void> {
  const text = stringify(meta, {
    sortMapEntries: true,
    lineWidth: 0,
    version: '1.1',
    defaultStringType: 'QUOTE_DOUBLE', // so that an ID such as 12e45 is not read as a number
    defaultKeyType: 'PLAIN',
  });
  await folder.write(join(path, META), text);
}

/** Common file systems accept at most 255 bytes in one part of a path. */
const PART_BYTES = 240;

/**
 * Turns names of params, metrics and tags into paths under their folder. The names are those that a server
 * accepts. A part that is too long for a file system is shortened; its length is counted in bytes of UTF-8.
 * @returns `[path, value]` in the given order
 */
export function toFilePaths<T>(values: Record<string, T>): [string, T][] {
  return legalNames(values).map(([name, value]) => [name.split('/').map(shorten).join('/'), value]);
}

function shorten(part: string): string {
  if (Buffer.byteLength(part) <= PART_BYTES) return part;
  const hash = createHash('sha256').update(part).digest('hex').slice(0, 8);
  let cut = part;
  while (Buffer.byteLength(cut) > PART_BYTES - 9) cut = cut.slice(0, -1);
  // A character of two code units is not cut in half.
  return `${cut.replace(/[\uD800-\uDBFF]$/, '')}-${hash}`;
}
