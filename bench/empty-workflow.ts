import { proxyActivities } from '@temporalio/workflow';

const { empty } = proxyActivities<{ empty: () => Promise<void> }>({ startToCloseTimeout: '10s' });

/** Runs empty activities in a row. Their time is Temporal's own share of a run with as many. */
export async function emptyActivities(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await empty();
}
