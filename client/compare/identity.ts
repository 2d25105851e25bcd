import { canonicalJson } from '../../contract/canonical-json.ts';
import type { Ref } from '../../contract/ref.ts';
import { changesOf } from './changes.ts';

/** Everything in the cache key of a stage except its name and batch. */
export interface Identity {
  code: number;
  params: Record<string, unknown>;
  libraries: Record<string, string>;
  /** The inputs that are known. */
  inputs: Record<string, Ref>;
}

/** One difference between two runs of a stage. For an input, `old` and `new` are MD5s. */
export interface Difference {
  kind: 'param' | 'input' | 'code' | 'library';
  name: string;
  old: unknown;
  new: unknown;
}

/**
 * The differences between two runs of a stage. Params come first, because a person changed those. An input that
 * only one side has is not compared.
 * @param sections the sections of params.yaml, in which the names of params are looked up
 */
export function differencesOf(
  before: Identity,
  after: Identity,
  sections: Record<string, unknown>,
): Difference[] {
  const params = (identity: Identity): unknown =>
    Object.fromEntries(
      Object.entries(identity.params).map(([name, value]) => [fullName(name, sections), value]),
    );
  return [
    ...listed('param', params(before), params(after)),
    ...Object.entries(after.inputs).flatMap(([name, ref]) => inputOf(before.inputs[name], ref)),
    ...listed('code', { version: before.code }, { version: after.code }),
    ...Object.keys({ ...before.libraries, ...after.libraries }).flatMap((name) =>
      scalarOf('library', name, before.libraries[name], after.libraries[name]),
    ),
  ];
}

function listed(kind: Difference['kind'], before: unknown, after: unknown): Difference[] {
  return Object.entries(changesOf(before, after)).map(([name, { old, new: now }]) => ({
    kind,
    name,
    old,
    new: now,
  }));
}

/** The name of a package may contain dots and slashes, so it is not flattened. */
function scalarOf(
  kind: Difference['kind'],
  name: string,
  old: unknown = null,
  now: unknown = null,
): Difference[] {
  return canonicalJson(old) === canonicalJson(now) ? [] : [{ kind, name, old, new: now }];
}

function inputOf(before: Ref | undefined, after: Ref): Difference[] {
  if (before === undefined || before.sha256 === after.sha256) return [];
  return [{ kind: 'input', name: after.path, old: before.md5, new: after.md5 }];
}

/** `target` as `data.target`, because the params of a stage have no sections. */
function fullName(name: string, sections: Record<string, unknown>): string {
  if (name in sections) return name;
  const section = Object.entries(sections).find(
    ([, fields]) => typeof fields === 'object' && fields !== null && name in fields,
  );
  return section === undefined ? name : `${section[0]}.${name}`;
}
