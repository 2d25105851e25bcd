import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Folder } from './folder.ts';
import { legalNames } from '../mlflow/limits.ts';

const META = 'meta.yaml';

/** What MLflow numbers as 1 to 5. https://github.com/mlflow/mlflow/blob/v3.17.0/mlflow/protos/service.proto */
export const RUN_STATUSES = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;

/** Looser than what is written here: MLflow's own client writes into the same folder. */
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

/** Reads the `meta.yaml` of a folder; undefined when there is none that can be read as one. */
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
    return undefined; // not YAML: MLflow passes such a folder by, too
  }
}

/** Writes the `meta.yaml` of a folder, keys in order, as MLflow does. */
export async function writeMeta(folder: Folder, path: string, meta: object): Promise<void> {
  await folder.write(join(path, META), metaText(meta));
}

/** Words in quotes: an id such as 12e45 must not be read as a number. */
function metaText(meta: object): string {
  return stringify(meta, {
    sortMapEntries: true,
    lineWidth: 0,
    version: '1.1',
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
  });
}

/** The longest part of a path that common file systems take is 255 bytes. */
const PART_BYTES = 240;

/**
 * Names of params, metrics and tags as paths under their folder: those a server would take, and cut
 * where a file system would refuse them (a name is UTF-8 there, up to four bytes a letter).
 * @returns `[path, value]` in the given order.
 */
export function filePaths<T>(values: Record<string, T>): [string, T][] {
  return legalNames(values).map(([name, value]) => [name.split('/').map(fitting).join('/'), value]);
}

function fitting(part: string): string {
  if (Buffer.byteLength(part) <= PART_BYTES) return part;
  const hash = createHash('sha256').update(part).digest('hex').slice(0, 8);
  let cut = part;
  while (Buffer.byteLength(cut) > PART_BYTES - 9) cut = cut.slice(0, -1);
  // A letter of two code units is not cut in half.
  return `${cut.replace(/[\uD800-\uDBFF]$/, '')}-${hash}`;
}
