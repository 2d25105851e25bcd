import { formatTable } from '../../client/format.ts';
import type { StageTimes } from './ours.ts';

interface Bytes {
  /** Bytes sent to the S3 server, with requests and headers. */
  up: number;
  /** Bytes added to the bucket. */
  stored: number;
}

/** The costs of each version on both sides, by its number. */
export type VersionCosts = Record<
  number,
  { ours: Bytes & StageTimes; dvc: Bytes & { addMs: number; pushMs: number } }
>;

/** A table of both sides. The ratio is DVC's bytes divided by ours. */
export function versionsTable(costs: VersionCosts): string {
  const kb = (bytes: number): string => (bytes / 1e3).toFixed(0);
  const head = [
    'version',
    'ours kB up',
    'DVC kB up',
    '÷',
    'ours kB kept',
    'DVC kB kept',
    '÷',
    'merge ms',
    'preprocess ms',
    'DVC add + push ms',
  ];
  const rows = Object.entries(costs).map(([version, { ours, dvc }]) => [
    version,
    kb(ours.up),
    kb(dvc.up),
    (dvc.up / ours.up).toFixed(1),
    kb(ours.stored),
    kb(dvc.stored),
    (dvc.stored / ours.stored).toFixed(1),
    ours.mergeMs.toFixed(0),
    ours.preprocessMs.toFixed(0),
    (dvc.addMs + dvc.pushMs).toFixed(0),
  ]);
  return formatTable(head, rows);
}
