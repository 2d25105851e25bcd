import { parseDocument } from 'yaml';
import { BadParams } from '../contract/failures.ts';
import { mayHoldPassword, nameSetting } from '../contract/wrong-value.ts';

/** Sections of params.yaml with locations. Each process has its own; no run can set them. */
const LOCAL_SECTIONS = new Set(['mlflow', 'tracking', 'storage', 'pipeline']);

/**
 * The params of `--set model.max_depth=4`, a later one over an earlier one. Values are read as YAML.
 * @throws BadParams when a text is not `key=value`, or a run cannot have the key
 */
export function readSet(texts: readonly string[]): Record<string, unknown> {
  return texts.reduce<Record<string, unknown>>(addParam, {});
}

function addParam(params: Record<string, unknown>, text: string): Record<string, unknown> {
  const [, path = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  const keys = path.trim().split('.');
  if (path === '' || keys.length < 2 || keys.includes(''))
    throw new BadParams(
      `${nameSetting('--set', text)}: expected key=value, such as model.max_depth=4`,
    );
  if (LOCAL_SECTIONS.has(keys[0]!))
    throw new BadParams(
      `--set ${path}: ${keys[0]} holds locations, and each worker has its own: change it in params.yaml`,
    );
  if (keys.some((key) => key === '__proto__' || key === 'constructor'))
    throw new BadParams(`--set ${path}: no param has this name`);
  return assign(params, keys, readValue(path, value));
}

function readValue(path: string, value: string): unknown {
  // A single character is a delimiter or a decimal character, even if it has a meaning in YAML.
  if (/^[^\w\s~]$/.test(value)) return value;
  const document = parseDocument(value, { stringKeys: true, resolveKnownTags: false });
  const [wrong] = [...document.errors, ...document.warnings];
  const aliases = /(^|[\s[{,:])\*\S/.test(value) ? ' (it may contain no alias)' : '';
  const refusal = `--set ${path}: ${mayHoldPassword(value) ? 'the value' : value} is not a plain YAML value${aliases}: quote it, or write it out`;
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
