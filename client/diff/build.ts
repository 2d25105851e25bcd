import { InvalidArgumentError } from 'commander';
import { MissingHistory } from '../../contract/failures.ts';
import type { Records, VersionRecord } from '../../store/records.ts';

/** A build as a person names it: `3` is the latest of version 3, `3.1` its first. */
export interface BuildName {
  version: number;
  /** Undefined: the latest. */
  build: number | undefined;
  /** As it was typed. */
  text: string;
}

export function buildArgument(text: string): BuildName {
  const [, version, build] = /^(\d{1,6})(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (version === undefined || Number(version) < 1 || (build !== undefined && Number(build) < 1))
    throw new InvalidArgumentError('a version is a whole number from 1; 3.1 is its first build.');
  return {
    version: Number(version),
    build: build === undefined ? undefined : Number(build),
    text,
  };
}

/**
 * The record of a build.
 * @throws MissingHistory when the version has not been built, or not so often.
 */
export async function findBuild(
  records: Records,
  pipeline: string,
  { version, build }: BuildName,
): Promise<VersionRecord> {
  const latest = await records.latest(pipeline, version);
  if (build === undefined) return latest;
  const record = await records.read(pipeline, version, build);
  if (record === undefined)
    throw new MissingHistory(
      `version ${version} of ${pipeline} has no build ${build}: its latest is ${version}.${latest.seq}`,
    );
  return record;
}
