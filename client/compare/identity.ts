import { canonicalJson, isObject } from '../../contract/canonical-json.ts';
import type { Ref } from '../../contract/ref.ts';
import { compareDocuments } from './changes.ts';

/** Everything in the cache key of a stage except its name and batch. */
export interface Identity {
  code: number;
  params: Record<string, unknown>;
  libraries: Record<string, string>;
  /** The inputs that are known. */
  inputs: Record<string, Ref>;
}

/**
 * One difference between two runs of a stage. For an input, `old` and `new` are MD5s. For the champion, which gate compares
 * with, they are builds such as `3.1`, or null; with the name `unusable`, why it cannot be scored, or null. For a cut, they
 * say whether the batch is a whole `file` or rows of a `table`.
 */
export interface StageDifference {
  kind: 'champion' | 'cut' | 'param' | 'input' | 'code' | 'library';
  name: string;
  old: unknown;
  new: unknown;
}

/**
 * The differences between two runs of a stage. Params come first, because a person changed those. An input that
 * only one side has is not compared.
 * @param sections the sections of params.yaml, in which the names of params are looked up
 */
export function compareIdentities(
  before: Identity,
  after: Identity,
  sections: Record<string, unknown>,
): StageDifference[] {
  const champion = compareScalar('champion', 'champion', findChampion(before), findChampion(after));
  // Another champion has other artifacts and another type. The build says it all.
  const isOther = champion.length > 0;
  // Each way to cut has params that the other does not have.
  const cut = compareScalar('cut', 'batch', findCut(before), findCut(after));
  const isToSkip = (name: string): boolean =>
    (isOther && name.startsWith('champion')) ||
    name === 'unusable' ||
    (cut.length > 0 && name in before.params !== name in after.params);
  const unusable = isOther ? null : before.params['unusable'];
  const params = (identity: Identity): unknown =>
    Object.fromEntries(
      Object.entries(identity.params).flatMap(([name, value]) =>
        isToSkip(name) ? [] : [[findFullName(name, sections), value]],
      ),
    );
  return [
    ...champion,
    ...compareScalar('champion', 'unusable', unusable, after.params['unusable']),
    ...cut,
    ...listChanges('param', params(before), params(after)),
    ...Object.entries(after.inputs).flatMap(([name, ref]) =>
      isToSkip(name) ? [] : compareInput(before.inputs[name], ref),
    ),
    ...listChanges('code', { version: before.code }, { version: after.code }),
    ...Object.keys({ ...before.libraries, ...after.libraries }).flatMap((name) =>
      compareScalar('library', name, before.libraries[name], after.libraries[name]),
    ),
  ];
}

/** The champion that gate compares with: `3.1`; null for none, and for another stage. */
function findChampion({ params: { champion } }: Identity): string | null {
  if (!isObject(champion)) return null;
  const { version, seq } = champion;
  return `${String(version)}.${String(seq)}`;
}

/** How prepare_batch cuts the batch. For another stage it is always the same. */
function findCut({ params }: Identity): 'file' | 'table' {
  return 'batch_size' in params ? 'table' : 'file';
}

function listChanges(
  kind: StageDifference['kind'],
  before: unknown,
  after: unknown,
): StageDifference[] {
  return Object.entries(compareDocuments(before, after)).map(([name, { old, new: now }]) => ({
    kind,
    name,
    old,
    new: now,
  }));
}

/** The name of a package may contain dots and slashes, so it is not flattened. */
function compareScalar(
  kind: StageDifference['kind'],
  name: string,
  old: unknown = null,
  now: unknown = null,
): StageDifference[] {
  return canonicalJson(old) === canonicalJson(now) ? [] : [{ kind, name, old, new: now }];
}

function compareInput(before: Ref | undefined, after: Ref): StageDifference[] {
  if (before === undefined || before.sha256 === after.sha256) return [];
  return [{ kind: 'input', name: after.path, old: before.md5, new: after.md5 }];
}

/** `target` as `data.target`, because the params of a stage have no sections. */
function findFullName(name: string, sections: Record<string, unknown>): string {
  if (name in sections) return name;
  const section = Object.entries(sections).find(
    ([, fields]) => typeof fields === 'object' && fields !== null && name in fields,
  );
  return section === undefined ? name : `${section[0]}.${name}`;
}
