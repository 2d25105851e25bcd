import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { parseVersion, parseBuild } from '../../arguments.ts';
import { findTextFault, type PersonText } from '../../../contract/person.ts';
import { BadParams } from '../../../contract/failures.ts';
import { RETRAIN } from '../../../contract/command.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';

type Asked =
  /** Of the version that waits, the build that the person has seen; any build of it without a number. */
  | { action: 'approve' | 'reject'; version: number; seq?: number }
  | { action: 'promote'; version: number }
  /** Without a version: back to the champion before the present one. */
  | { action: 'rollback'; version: number | undefined };

/** What a person decides about the champion. */
export type Decision = Asked & { by: string; reason: string };

interface DecideFlags extends CommonFlags {
  reason: string;
  by?: string;
  to?: number;
}

const VERSION = 'the version, from 1';
const BUILD = 'the version that waits, from 1, or its build, as in 5.2';

/** `approve N`: makes the version that waits for approval the champion. */
export function approveCommand(context: CommandContext): Command {
  return decideCommand('approve')
    .argument('<N>', BUILD, parseBuild)
    .addHelpText('after', examples('approve 5 --reason "checked on the March data"'))
    .action((build: ReturnType<typeof parseBuild>, flags: DecideFlags) =>
      decide(context, { action: 'approve', ...build }, flags),
    );
}

/** `reject N`: ends the wait of the version that waits for approval; the champion stays. */
export function rejectCommand(context: CommandContext): Command {
  return decideCommand('reject')
    .argument('<N>', BUILD, parseBuild)
    .addHelpText('after', examples('reject 5 --reason "worse for new customers"'))
    .action((build: ReturnType<typeof parseBuild>, flags: DecideFlags) =>
      decide(context, { action: 'reject', ...build }, flags),
    );
}

/** `promote N`: makes a version the champion that the gate has held. */
export function promoteCommand(context: CommandContext): Command {
  return decideCommand('promote')
    .argument('<N>', VERSION, parseVersion)
    .addHelpText('after', examples('promote 4 --reason "the test rows are too few to show it"'))
    .action((version: number, flags: DecideFlags) =>
      decide(context, { action: 'promote', version }, flags),
    );
}

/** `rollback`: makes an earlier champion the champion again. */
export function rollbackCommand(context: CommandContext): Command {
  return decideCommand('rollback')
    .option('--to <N>', 'the version to return to (default: the previous champion)', parseVersion)
    .addHelpText(
      'after',
      examples(
        'rollback --reason "errors in production"',
        'rollback --to 3 --reason "the last good one"',
      ),
    )
    .action((flags: DecideFlags) =>
      decide(context, { action: 'rollback', version: flags.to }, flags),
    );
}

function decideCommand(name: string): Command {
  return pipelineCommand(name)
    .requiredOption('--reason <text>', 'why; it is recorded (required)', parseReason)
    .option('--by <name>', 'who decides (default: your name on this machine)', parseName);
}

async function decide(
  context: CommandContext,
  what: Asked,
  { pipeline, reason, by, json }: DecideFlags,
): Promise<void> {
  const decision: Decision = { ...what, reason, by: by ?? findUser() };
  const config = await context.configure(pipeline);
  const { sendDecision } = await import('./send.ts');
  process.exitCode = await sendDecision(config, decision, json === true);
}

function parseReason(text: string): string {
  return parseText('reason', text, 'say in a few words why.');
}

function parseName(text: string): string {
  return parseText('by', text, 'give the name of a person.');
}

function parseText(kind: PersonText, text: string, hint: string): string {
  const trimmed = text.trim();
  if (trimmed === '') throw new InvalidArgumentError(hint);
  const fault = findTextFault(kind, trimmed);
  if (fault !== undefined) throw new InvalidArgumentError(`${fault}.`);
  return trimmed;
}

/**
 * The name of this machine's user.
 * @throws BadParams where it has none, as in some containers
 */
function findUser(): string {
  try {
    return userInfo().username;
  } catch {
    const named = process.env['USER'] ?? process.env['LOGNAME'] ?? '';
    if (named !== '') return named;
    throw new BadParams(
      `this machine does not know who you are: add --by NAME, as in ${RETRAIN} approve 5 --reason "…" --by NAME`,
    );
  }
}
