import { proxyActivities } from '@temporalio/workflow';

const { empty } = proxyActivities<{ empty: () => Promise<void> }>({ startToCloseTimeout: '10s' });

/** Six activities in a row that do nothing: what Temporal itself costs a run of six stages. */
export async function sixEmptyActivities(): Promise<void> {
  for (let i = 0; i < 6; i++) await empty();
}
