import { z } from 'zod';
import type { Ref } from '../contract/ref.ts';
import { parseStored } from './stored-json.ts';

const fileSchema = z.record(z.string(), z.json());

/** The metrics file of a version, as evaluate wrote it. */
export type MetricsFile = z.infer<typeof fileSchema>;

/**
 * Reads the metrics file that `ref` names.
 * @throws DamagedArtifact when it is not what evaluate writes
 */
export function readMetrics(bytes: Uint8Array, ref: Pick<Ref, 'path' | 'md5'>): MetricsFile {
  return parseStored(bytes, ref, fileSchema);
}

/**
 * The numbers of a metrics file by flat name: those of the whole as they are, those of the new batch
 * under `new_batch_`. Scores per class stay in the file.
 */
export function flattenMetrics(file: MetricsFile): Record<string, number> {
  const newBatch = file['new_batch'];
  return {
    ...numbersOf(file, ''),
    ...(isObject(newBatch) ? numbersOf(newBatch, 'new_batch_') : {}),
  };
}

function numbersOf(values: MetricsFile, prefix: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      typeof value === 'number' ? [[`${prefix}${name}`, value]] : [],
    ),
  );
}

function isObject(value: unknown): value is MetricsFile {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
