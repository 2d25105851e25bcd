import { Command } from 'commander';
import { RETRAIN } from '../../../contract/command.ts';
import { messageOf, SetupError } from '../../../contract/failures.ts';
import { nameBuild } from '../../../contract/versions.ts';
import type { ServingReport } from '../../../serving/http/report.ts';
import type { Comparison } from '../../../serving/shadow.ts';
import { examples } from '../../context.ts';
import { formatBytes, formatMinute, formatNumber, formatTable } from '../../format.ts';
import { print, printJson } from '../../print.ts';

/** The port of a server, unless `--port` says otherwise. */
export const DEFAULT_PORT = 5001;

const HERE = `http://127.0.0.1:${DEFAULT_PORT}`;

export function serveReportCommand(): Command {
  return new Command('report')
    .description('show what the canary, the shadow and the log of a running server have done')
    .option('--url <URL>', 'where the server answers', HERE)
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText(
      'after',
      examples('serve report', 'serve report --url http://10.0.0.7:5001 --json'),
    )
    .action(async ({ url, json }: { url: string; json?: boolean }) => {
      const report = await fetchReport(url);
      if (json === true) printJson(report);
      else print(formatReport(report));
    });
}

/** Milliseconds in which a server must answer. */
const ANSWER_MS = 10_000;

/** @throws SetupError when no such server answers there */
async function fetchReport(url: string): Promise<ServingReport> {
  const hint = `start one with "${RETRAIN} serve", or give its --url`;
  let answer: Response;
  try {
    answer = await fetch(new URL('/report', url), { signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    const { cause: inner = cause } = cause as Error;
    throw new SetupError(`no server answers at ${url} (${messageOf(inner)}): ${hint}`, { cause });
  }
  const report = (await answer.json().catch(() => undefined)) as ServingReport | undefined;
  if (answer.ok && report?.pipeline !== undefined) return report;
  throw new SetupError(
    `the server at ${url} is not "${RETRAIN} serve", or an earlier one: ${hint}`,
  );
}

function formatReport(report: ServingReport): string {
  const { pipeline, canary, shadow, log } = report;
  const models = [
    ['model', report, report.rows] as const,
    ...(canary === null ? [] : [['canary', canary, canary.rows] as const]),
    ...(shadow === null ? [] : [['shadow', shadow, ''] as const]),
  ];
  const parts = [
    `${pipeline}\n${formatTable(
      ['role', 'asked for', 'version', 'rows answered', 'problem'],
      models.map(([role, state, rows]) => [
        role,
        state.model,
        nameVersion(state),
        rows,
        state.problem ?? '',
      ]),
    )}`,
  ];
  if (canary !== null) parts.push(formatCanary(canary));
  if (shadow !== null) parts.push(formatShadow(report, shadow));
  if (log !== null) parts.push(formatLog(log));
  return parts.join('\n\n');
}

function formatLog(log: NonNullable<ServingReport['log']>): string {
  const { rows, files, bytes, problem } = log;
  // A server of an earlier program does not report what waits.
  const waiting = (log.rows_waiting as number | undefined) ?? 0;
  const waits = waiting === 0 ? '' : `, ${waiting} rows wait for the next file (within a minute)`;
  const written = `${rows} rows in ${files} ${files === 1 ? 'file' : 'files'} (${formatBytes(bytes)})`;
  return `log: ${formatShare(log.share)} of requests; ${written}${waits}, ${log.rows_dropped} rows dropped${problem === null ? '' : `\n${problem}`}`;
}

function formatCanary(canary: NonNullable<ServingReport['canary']>): string {
  const keys = canary.key === null ? 'rows' : `values of ${canary.key}`;
  return `canary: ${formatShare(canary.share)} of ${keys}; ${canary.rows_failed} rows failed and were answered by the model, ${canary.rows_without_key} rows without a key`;
}

function formatShadow(model: ServingReport, shadow: NonNullable<ServingReport['shadow']>): string {
  const { comparison } = shadow;
  if (comparison === null) return 'shadow: no rows were compared yet';
  const { rows, agreement, since, distributions, differing } = comparison;
  const compared = rows.alike + rows.different;
  const lines = [
    `shadow: ${compared} rows compared since ${formatMinute(since)}, ${agreement === null ? 'none' : formatShare(agreement)} alike; ${rows.failed} failed, ${rows.skipped} skipped`,
  ];
  if (comparison.mean_difference !== null)
    lines.push(`mean absolute difference: ${formatNumber(comparison.mean_difference)}`);
  if (distributions !== null) {
    const heads = [`model ${nameVersion(model)}`, `shadow ${nameVersion(shadow)}`];
    lines.push('', formatDistributions(heads, distributions, compared));
  }
  if (differing !== null && differing.length > 0)
    lines.push(
      '',
      formatTable(
        ['model says', 'shadow says', 'rows'],
        differing.map((pair) => [pair.model, pair.shadow, pair.rows]),
      ),
    );
  return lines.join('\n');
}

type Distributions = NonNullable<Comparison['distributions']>;

function formatDistributions(
  heads: string[],
  { model, shadow }: Distributions,
  compared: number,
): string {
  if ('classes' in model && 'classes' in shadow) {
    const names = [...new Set([...Object.keys(model.classes), ...Object.keys(shadow.classes)])];
    return formatTable(
      ['prediction', heads[0]!, 'share', heads[1]!, 'share'],
      names.map((name) => [
        name,
        ...[model, shadow].flatMap(({ classes }) => [
          classes[name] ?? 0,
          formatShare((classes[name] ?? 0) / compared),
        ]),
      ]),
    );
  }
  if ('classes' in model || 'classes' in shadow) return '';
  const quantiles = Object.keys(model.quantiles);
  return formatTable(
    ['prediction', ...heads],
    [
      ['mean', formatNumber(model.mean), formatNumber(shadow.mean)],
      ...quantiles.map((quantile) => [
        `quantile ${quantile}`,
        formatNumber(model.quantiles[quantile]),
        formatNumber(shadow.quantiles[quantile]),
      ]),
    ],
  );
}

function nameVersion({ version, build }: Pick<ServingReport, 'version' | 'build'>): string {
  return version === null ? '–' : nameBuild({ version, seq: build! });
}

function formatShare(share: number): string {
  return `${Number((share * 100).toFixed(share < 0.01 || share > 0.99 ? 2 : 1))} %`;
}
