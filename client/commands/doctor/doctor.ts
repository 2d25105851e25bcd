import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { examples, EXIT, type CommandContext } from '../../context.ts';
import { foldText, print, onStdout, printJson } from '../../print.ts';
import { type Session, openSession } from '../../session.ts';
import type { Config } from '../../../config/environment.ts';
import { BadParams, messageOf } from '../../../contract/failures.ts';
import { sha256 } from '../../../store/hash.ts';
import { type Finding, fail, failed, ok } from './finding.ts';

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .option('--json', 'print exactly one JSON document on stdout')
    .addHelpText('after', examples('doctor', 'doctor --json'))
    .action(async ({ json }: { json?: boolean }) => {
      const { root } = context;
      const { readParams } = await import('../../../config/params-file.ts');
      const wrong = readParams(root).findWrongSections();
      const config = await context.configure().catch((error: unknown) => {
        throw addWrongSections(error, wrong);
      });
      process.exitCode = await doctor(config, { root, json, wrong });
    });
}

/** The error of the default pipeline's settings, with the errors of all other sections. */
function addWrongSections(error: unknown, wrong: readonly BadParams[]): unknown {
  if (!(error instanceof BadParams)) return error;
  const sentences = new Set([error, ...wrong].map(messageOf));
  return new BadParams([...sentences].join('; '), { cause: error });
}

const MARKS = { ok: onStdout.green, warn: onStdout.yellow, fail: onStdout.red };

type Part = 'temporal' | 'storage' | 'tracking';

/** `doctor`: checks every part that a run needs, and prints how to repair each problem. */
export async function doctor(
  config: Config,
  { root, json, wrong }: { root: string; json?: boolean | undefined; wrong: readonly BadParams[] },
): Promise<number> {
  const { checkMachine } = await import('./machine.ts');
  const { checkMlflow, checkTemporal } = await import('./servers.ts');
  const looked = (
    await Promise.all([
      checkMachine(root),
      checkPart(config, 'temporal', 'Temporal', checkTemporal),
      checkPart(config, 'storage', 'S3', checkStorage),
      checkPart(config, 'tracking', 'MLflow', checkMlflow),
      checkClocks(config),
    ])
  ).flat();
  const findings = [...checkParams(wrong), ...looked];
  if (json === true) printJson({ findings });
  else print(formatFindings(findings));
  return findings.some(({ state }) => state === 'fail') ? EXIT.setup : 0;
}

/** The findings on params.yaml, one for each wrong value. */
export function checkParams(wrong: readonly BadParams[]): Finding[] {
  if (wrong.length === 0) return [ok('params.yaml', 'valid')];
  return wrong.flatMap((error) =>
    error.values.length === 0
      ? failed('params.yaml', error)
      : error.values.map(({ found, expected }) =>
          fail('params.yaml', found, `correct it in params.yaml: ${expected}`),
        ),
  );
}

/** The findings on one part. Each part has its own session, so that a part that is down does not hide another. */
async function checkPart(
  config: Config,
  name: Part,
  title: string,
  look: (session: Session) => Promise<Finding[]>,
): Promise<Finding[]> {
  let session: Session | undefined;
  try {
    // `look` checks tracking itself, because a session accepts a tracking server that is down if logging may wait.
    session = await openSession(config, { check: name === 'tracking' ? [] : [name] });
    return await look(session);
  } catch (error) {
    return [failed(title, error)];
  } finally {
    await session?.close();
  }
}

/** Writes an object, reads it and deletes it, under a key that nothing else uses. */
async function checkStorage({ store: { bucket } }: Session): Promise<Finding[]> {
  const { endpoint, bucket: name } = bucket.location;
  const key = `doctor/${randomUUID()}`;
  const bytes = Buffer.from('doctor');
  await bucket.put(key, bytes, { sha256: sha256(bytes), condition: { absent: true } });
  try {
    await bucket.get(key);
  } finally {
    await bucket.delete(key);
  }
  return [
    ok('S3', `objects can be written, read and deleted in bucket ${name} at ${endpoint ?? 'AWS'}`),
  ];
}

async function checkClocks({
  storage: { endpoint },
  tracking: { uri },
}: Config): Promise<Finding[]> {
  const { checkClock } = await import('./machine.ts');
  const urls = [endpoint, uri].filter((url): url is string => url?.startsWith('http') === true);
  return (await Promise.all(urls.map(checkClock))).filter((found) => found !== undefined);
}

/** One line per finding, and below it how to repair it: the sentences are too long for a column. */
function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return findings
    .flatMap(({ check, state, found, repair }) => [
      `${check.padEnd(width)}  ${MARKS[state](state.padEnd(4))}  ${foldText(found, width + 8)}`,
      ...(repair === null ? [] : [`${' '.repeat(width + 8)}→ ${foldText(repair, width + 10)}`]),
    ])
    .join('\n');
}
