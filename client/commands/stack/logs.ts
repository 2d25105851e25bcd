import { createReadStream, existsSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { prettyFactory } from 'pino-pretty';
import { lastLines, logFile, readTail } from '../../../infra/process.ts';
import type { PartName } from '../../../infra/report.ts';
import { MissingHistory } from '../../../contract/failures.ts';
import { RETRAIN } from '../../../contract/command.ts';
import { print } from '../../print.ts';

/** How often a followed log is read. */
const LOOK_MS = 300;

export interface LogsOptions {
  /** Lines from its end. */
  lines: number;
  /** Print new lines until Ctrl-C. */
  follow: boolean;
}

/**
 * `stack logs PART`: prints the end of a part's log. On a terminal, the JSON lines of the worker become text.
 * @throws MissingHistory when the part was never started
 */
export async function printLogs(
  dir: string,
  part: PartName,
  { lines, follow }: LogsOptions,
): Promise<void> {
  const file = logFile(dir, part);
  if (!existsSync(file))
    throw new MissingHistory(
      `there is no log of ${part} in ${dir}: start the stack with "${RETRAIN} stack up"`,
    );
  const show = formatLine(process.stdout.isTTY);
  if (!follow) {
    for (const line of lastLines(file, lines)) print(show(line));
    return;
  }
  const tail = readTail(file, lines);
  for (const line of tail.lines) print(show(line));
  let read = tail.end;
  let decoder = new StringDecoder('utf8');
  // The beginning of a line that the part has not written to its end.
  let rest = '';
  const leaving = new AbortController();
  process.once('SIGINT', () => leaving.abort());
  while (!leaving.signal.aborted) {
    const size = existsSync(file) ? statSync(file).size : read;
    if (size < read) {
      // The log was started again.
      [read, rest, decoder] = [0, '', new StringDecoder('utf8')];
    }
    if (size > read) {
      for await (const piece of createReadStream(file, { start: read, end: size - 1 })) {
        const found = (rest + decoder.write(piece as Buffer)).split(/\r?\n/);
        rest = found.pop()!;
        for (const line of found) print(show(line));
      }
      read = size;
    }
    await sleep(LOOK_MS, undefined, { signal: leaving.signal }).catch(() => undefined);
  }
}

/**
 * Fields of the worker's log that are not printed: every line has them, or `describe` puts them into its sentence.
 */
const HIDDEN = 'pid,hostname,sdkComponent,taskQueue,workflowId,runId,activityType,attempt';

/**
 * Formats a line of a log for printing. Lines that are not JSON stay as they are. The stack of an error is printed
 * only for a fault of the program: for a stage that is retried, the sentence is enough.
 */
export function formatLine(isTerminal: boolean): (line: string) => string {
  if (!isTerminal) return (line) => line;
  // Without colours, because control characters of a log are written out.
  const pretty = prettyFactory({ colorize: false, ignore: HIDDEN, translateTime: 'SYS:HH:MM:ss' });
  return (line) => {
    const entry = parseEntry(line);
    return entry === undefined ? line : pretty(describe(entry)).trimEnd();
  };
}

interface Entry {
  level: number;
  msg?: string;
  err?: { message?: string };
  activityType?: string;
  workflowId?: string;
  attempt?: number;
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.level === 'number' ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

const ERROR = 50;

function describe({ err, ...entry }: Entry): object {
  const { level, msg = '', activityType, workflowId, attempt } = entry;
  const where = [activityType, workflowId].filter((part) => part !== undefined).join(' of ');
  const which = attempt === undefined || where === '' ? where : `${where}, attempt ${attempt}`;
  const sentence = [
    msg,
    which === '' ? '' : `(${which})`,
    err === undefined ? '' : `– ${err.message}`,
  ];
  const text = sentence.filter((part) => part !== '').join(' ');
  return { ...entry, msg: text, ...(err === undefined || level < ERROR ? {} : { err }) };
}
