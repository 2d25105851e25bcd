import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Described } from './pending.ts';
import type { Session } from './session.ts';
import { stuckOn } from './stuck.ts';
import { pollersOf, waitingForWorker } from './workers.ts';

/**
 * What an open run waits for when nobody takes its tasks, or who has them cannot go on.
 * @returns undefined where nothing says that it waits
 */
export async function whyWaiting(
  session: Session,
  handle: Pick<WorkflowHandle, 'fetchHistory'>,
  described: Described,
): Promise<string | undefined> {
  const stuck = await stuckOn(handle, described);
  if (stuck !== undefined) return stuck;
  const untaken = waitingForWorker(described);
  return untaken === undefined ? undefined : ((await pinnedAway(session, described)) ?? untaken);
}

/** Where it is pinned to a build that no worker has: others may be there, and none of them helps. */
async function pinnedAway(session: Session, described: Described): Promise<string | undefined> {
  const build = pinnedTo(described);
  if (build === undefined) return undefined;
  const there = (await pollersOf(session)).some(
    ({ deploymentOptions: of }) =>
      of?.deploymentName === build.deploymentName && of?.buildId === build.buildId,
  );
  if (there) return undefined;
  const flags = `--deployment-name ${build.deploymentName} --build-id ${build.buildId}`;
  return `this run is pinned to build ${build.buildId} of ${build.deploymentName}, and no worker of that build is there: start one from its code with "npm run worker -- ${flags}", or end it with "temporal workflow terminate" and run the batch again, from what is stored`;
}

/** The build a run stays on; undefined where any worker may have it. */
function pinnedTo({
  workflowExecutionInfo: info,
}: Described): { deploymentName: string; buildId: string } | undefined {
  const { behavior, deploymentVersion, versioningOverride: moved } = info?.versioningInfo ?? {};
  const { VERSIONING_BEHAVIOR_PINNED: PINNED } = proto.temporal.api.enums.v1.VersioningBehavior;
  const version = moved?.pinned?.version ?? (behavior === PINNED ? deploymentVersion : undefined);
  const { deploymentName, buildId } = version ?? {};
  return deploymentName && buildId ? { deploymentName, buildId } : undefined;
}
