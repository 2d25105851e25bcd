import { InvalidArgumentError } from 'commander';
import { parseDocument } from 'yaml';
import { STAGE_NAMES, type StageName } from '../contract/stages.ts';
import { BadParams } from '../contract/failures.ts';
import { pipelineName } from '../contract/params.ts';

/** The number of a batch: 1, 2, 3, … */
export function batchArgument(text: string): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= 1 && number <= 999_999) return number;
  throw new InvalidArgumentError('a batch is a whole number from 1 to 999999.');
}

/** A count from 1. */
export function countArgument(text: string): number {
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number >= 1 && number <= 100_000) return number;
  throw new InvalidArgumentError('a whole number from 1 is needed.');
}

export function stageArgument(text: string): StageName {
  const stage = STAGE_NAMES.find((name) => name === text);
  if (stage !== undefined) return stage;
  throw new InvalidArgumentError(`the stages are ${STAGE_NAMES.join(', ')}.`);
}

export function pipelineArgument(text: string): string {
  if (pipelineName.safeParse(text).success) return text;
  throw new InvalidArgumentError('a name is 1 to 64 letters, digits, "_" or "-".');
}

/** Sections of params.yaml that say where things are. They belong to each process; no run can set them. */
const LOCAL_SECTIONS = new Set(['mlflow', 'tracking', 'storage', 'pipeline']);

/**
 * One `--set model.max_depth=4`, merged over those before it. The value is read as YAML.
 * @throws BadParams when it is not `key=value`, or a run cannot have the key
 */
export function setArgument(
  text: string,
  sofar: Record<string, unknown> = {},
): Record<string, unknown> {
  const [, path = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  const keys = path.trim().split('.');
  if (path === '' || keys.length < 2 || keys.includes(''))
    throw new BadParams(`--set ${text}: expected key=value, such as model.max_depth=4`);
  if (LOCAL_SECTIONS.has(keys[0]!))
    throw new BadParams(
      `--set ${path}: ${keys[0]} says where things are, and each worker has its own: change it in params.yaml`,
    );
  if (keys.some((key) => key === '__proto__' || key === 'constructor'))
    throw new BadParams(`--set ${path}: no param has this name`);
  return assign(sofar, keys, readValue(path, value));
}

function readValue(path: string, value: string): unknown {
  const document = parseDocument(value, { stringKeys: true, resolveKnownTags: false });
  const [wrong] = [...document.errors, ...document.warnings];
  const aliases = /(^|[\s[{,:])\*\S/.test(value) ? ' (it may contain no alias)' : '';
  const refusal = `--set ${path}: ${value} is not a plain YAML value${aliases}: quote it, or write it out`;
  if (wrong !== undefined) throw new BadParams(refusal, { cause: wrong });
  try {
    // An alias could make a value that contains itself, without an end.
    return (document.toJS({ maxAliasCount: 0 }) as unknown) ?? (value.trim() === '' ? '' : null);
  } catch (error) {
    throw new BadParams(refusal, { cause: error });
  }
}

function assign(
  target: Record<string, unknown>,
  [key, ...rest]: string[],
  value: unknown,
): Record<string, unknown> {
  const inner = (target[key!] ?? {}) as Record<string, unknown>;
  return { ...target, [key!]: rest.length === 0 ? value : assign(inner, rest, value) };
}
