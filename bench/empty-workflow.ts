import { proxyActivities } from '@temporalio/workflow';

const { empty } = proxyActivities<{ empty: () => Promise<void> }>({ startToCloseTimeout: '10s' });

/** Activities in a row that do nothing: what Temporal itself costs a run of as many. */
export async function emptyActivities(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await empty();
}
