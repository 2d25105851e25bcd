import { InvalidArgumentError, type Command } from 'commander';
import { STAGE_NAMES, type StageName } from '../contract/stages.ts';
import { PIPELINE_NAME } from '../contract/paths.ts';

/** The number of a batch: 1, 2, 3, … */
export function parseBatch(text: string): number {
  return parseNumber(text, 'a batch is a whole number from 1 to 999999.');
}

/** A version without a build. Version N is trained on batches 1..N. */
export function parseVersion(text: string): number {
  return parseNumber(text, 'a version is a whole number from 1 to 999999.');
}

function parseNumber(text: string, refusal: string): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= 1 && number <= 999_999) return number;
  throw new InvalidArgumentError(refusal);
}

/** The numbers of `5`, a version, or of `5.2`, build 2 of it; undefined for any other text. */
export function readBuildNumbers(text: string): { version: number; seq?: number } | undefined {
  const [, version, seq] = /^([0-9]{1,6})(?:\.([0-9]{1,6}))?$/.exec(text) ?? [];
  if (Number(version ?? 0) < 1 || Number(seq ?? 1) < 1) return undefined;
  return { version: Number(version), ...(seq === undefined ? {} : { seq: Number(seq) }) };
}

/** `5`, a version, or `5.2`, build 2 of it. */
export function parseBuild(text: string): { version: number; seq?: number } {
  const build = readBuildNumbers(text);
  if (build !== undefined) return build;
  throw new InvalidArgumentError(
    /^\d+(\.\d+){2,}$/.test(text)
      ? 'a build has two numbers, as in 5.2.'
      : 'a version is a whole number from 1, or a build of it, as in 5.2.',
  );
}

/** A count from 1. */
export function parseCount(text: string): number {
  return parseNumber(text, 'a whole number from 1 is needed.');
}

/** A share above 0 and up to 1: `5%` or `0.05`. */
export function parseShare(text: string): number {
  const [, digits, percent] = /^(\d+(?:\.\d+)?|\.\d+)\s*(%?)$/.exec(text) ?? [];
  const share = Number(digits) / (percent === '%' ? 100 : 1);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError('a share is above 0 % and up to 100 %, such as 5% or 0.05.');
}

/** Names with commas between, added to those of the same flag before. */
export function parseNames(text: string, before: string[] = []): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('names with commas between are needed.');
  return [...before, ...names];
}

export function parseStage(text: string): StageName {
  const stage = STAGE_NAMES.find((name) => name === text);
  if (stage !== undefined) return stage;
  throw new InvalidArgumentError(`the stages are ${STAGE_NAMES.join(', ')}.`);
}

export function parsePipeline(text: string): string {
  if (PIPELINE_NAME.test(text)) return text;
  throw new InvalidArgumentError('a name is 1 to 64 letters, digits, "_" or "-".');
}

/** Adds `--model`, the name of a stored model. */
export function withModel(command: Command): Command {
  return command.option(
    '--model <name>',
    'latest (of the highest version), champion, a version (3) or a build (3.1)',
    'latest',
  );
}

/** Adds `--set key=value`. The texts are parsed just before the action, so that other commands do not load YAML. */
export function withSet(command: Command, description: string): Command {
  return command
    .option('--set <key=value>', description, (text: string, before: string[] | undefined) => [
      ...(before ?? []),
      text,
    ])
    .hook('preAction', async (_, action) => {
      const { set } = action.opts<{ set?: string[] }>();
      if (set === undefined) return;
      const { readSet } = await import('./set.ts');
      action.setOptionValue('set', readSet(set));
    });
}
