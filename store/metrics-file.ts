import { z } from 'zod';

const fileSchema = z.record(z.string(), z.json());

/** The metrics file of a version, as evaluate wrote it. */
export type MetricsFile = z.infer<typeof fileSchema>;

export function readMetrics(bytes: Uint8Array): MetricsFile {
  return fileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
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
