import { RETRAIN } from '../../contract/command.ts';
import { DamagedArtifact, TrackingRefused } from '../../contract/failures.ts';
import { CHAMPION_ALIAS, type AliasState, type Build } from '../../contract/promotion.ts';
import { isSameBuild, nameBuild } from '../../contract/versions.ts';
import type { Store } from '../../store/index.ts';
import { findAttempt, type OpenAttempt, type TrackingDeps } from './attempt.ts';

type Deps = TrackingDeps & { store: Pick<Store, 'champions' | 'records'> };

/** What was found, and done, about the alias. */
export interface PointedAlias {
  alias: AliasState;
  warnings: string[];
}

/**
 * Points the alias `champion` in the registry at the champion of the record of promotions, also when the champion changes
 * meanwhile. An alias that another program has moved or deleted is repaired, with a warning.
 */
export async function pointChampion(deps: Deps, pipeline: string): Promise<PointedAlias> {
  const warnings: string[] = [];
  try {
    for (;;) {
      const { champion = null, alias: noted = null } =
        (await deps.store.champions.read(pipeline)) ?? {};
      if (champion === null) return { alias: 'none', warnings };
      const attempt = await findLogged(deps, pipeline, champion);
      const { model_name: name = null, model_version: version = null } = attempt ?? {};
      if (attempt === undefined || name === null) return { alias: 'later', warnings };
      const found = await deps.tracker.getAlias({ name, alias: CHAMPION_ALIAS });
      if (found === undefined) return { alias: 'missing', warnings };
      if (version === null) return { alias: 'later', warnings };
      if (found !== version) {
        if (!(await isStillChampion(deps, pipeline, champion))) continue;
        // A server whose database was replaced has other versions under the same numbers.
        if (!(await deps.tracker.hasRun(attempt.run_id)))
          return { alias: 'later', warnings: [describeNotLogged(deps, pipeline, champion)] };
        if (!(await deps.tracker.setAlias({ name, alias: CHAMPION_ALIAS, version })))
          return {
            alias: 'later',
            warnings: [describeDeleted(pipeline, { name, version }, champion)],
          };
        if (isSameBuild(noted, champion)) warnings.push(describeRepair(name, found, version));
      }
      if (!isSameBuild(noted, champion)) await deps.store.champions.noteAlias(pipeline, champion);
      if (await isStillChampion(deps, pipeline, champion)) return { alias: 'set', warnings };
    }
  } catch (error) {
    // The record of promotions says who is champion, also where the alias cannot follow it.
    if (!(error instanceof TrackingRefused || error instanceof DamagedArtifact)) throw error;
    return {
      alias: error instanceof TrackingRefused ? 'refused' : 'later',
      warnings: [...warnings, `the alias ${CHAMPION_ALIAS} was not set: ${error.message}`],
    };
  }
}

/** Returns the training attempt of a build; undefined where it is not logged on this server. */
async function findLogged(
  deps: Deps,
  pipeline: string,
  { version, seq }: Build,
): Promise<OpenAttempt | undefined> {
  const record = await deps.store.records.read(pipeline, version, seq);
  return record && findAttempt(deps, { pipeline, attempt: record.attempt });
}

async function isStillChampion({ store }: Deps, pipeline: string, build: Build): Promise<boolean> {
  return isSameBuild((await store.champions.read(pipeline))?.champion ?? null, build);
}

function describeRepair(name: string, found: string | null, version: string): string {
  const was = found === null ? 'was deleted by hand' : `was moved by hand to version ${found}`;
  return `the alias ${CHAMPION_ALIAS} of ${name} ${was}: it points at version ${version}, the champion, again`;
}

function describeDeleted(
  pipeline: string,
  { name, version }: { name: string; version: string },
  champion: Build,
): string {
  return `version ${version} of ${name}, of the champion, build ${nameBuild(champion)}, was deleted by hand, so the alias ${CHAMPION_ALIAS} cannot point at it: register it again with "${RETRAIN} log ${champion.version} --pipeline ${pipeline}"`;
}

function describeNotLogged({ tracker }: Deps, pipeline: string, champion: Build): string {
  return `the champion, build ${nameBuild(champion)}, is not logged at ${tracker.uri}, so the alias ${CHAMPION_ALIAS} is missing there: log it with "${RETRAIN} log --all --pipeline ${pipeline}"`;
}
