import { parse } from 'yaml';
import type { VersionRecord } from '../../store/version-record.ts';

/** The command that runs a stage of a version, without its settings. */
export function stageCommandLine(stage: string, batch: number | string): string {
  return `npm run client -- stage ${stage}${stage === 'get_data' ? '' : ` ${batch}`}`;
}

/**
 * The arguments that make a stage of this project the one of that version: its pipeline and every param
 * it was pinned with, whatever a worker's params.yaml says on the day.
 */
export function settingsOf({ pipeline, params }: VersionRecord): string {
  const sets = Object.entries(params).flatMap(([section, values]) =>
    Object.entries(values as Record<string, unknown>).map(
      ([name, value]) => `--set ${shellWord(`${section}.${name}=${valueText(value)}`)}`,
    ),
  );
  return [`--pipeline ${pipeline}`, ...sets].join(' ');
}

/** A value as `--set` reads it, which is as YAML: on one line, text plain where that is unambiguous. */
function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[\w./-]+$/.test(value) && parse(value) === value) return value;
  return JSON.stringify(value);
}

/**
 * A word as the shell reads it back. `${` is taken apart between two quotes, for DVC reads it as its
 * own even in quotes.
 */
function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return `'${text
    .replaceAll("'", String.raw`'\''`)
    .split('${')
    .join("$''{")}'`;
}
