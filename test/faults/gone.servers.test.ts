import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorker } from '../support/project.ts';
import { openWay, type Way } from '../support/way.ts';
import { openLongTrain, type LongTrain } from './long-train.ts';

/** Temporal does not answer: to a worker that stops, and to a command that starts. */

let long: LongTrain;
let way: Way;

beforeAll(async () => {
  long = await openLongTrain('gone', { RETRAIN_HEARTBEAT_TIMEOUT: '10' });
  way = await openWay(long.project.env['TEMPORAL_ADDRESS']!);
});
afterAll(() => {
  way?.cut();
  return long?.project.close('SIGKILL');
});

it('a command waits for a Temporal server that is slow, and says so', async () => {
  way.delay(5_000);
  const { project } = long;
  const direct = project.env['TEMPORAL_ADDRESS']!;
  project.env['TEMPORAL_ADDRESS'] = way.address;
  try {
    const { code, stderr } = await project.client('schedule', 'list');
    expect(stderr).toContain(`Temporal at ${way.address} is slow: waiting for its answer`);
    expect(code).toBe(0);
  } finally {
    project.env['TEMPORAL_ADDRESS'] = direct;
    way.delay(0);
  }
});

it('a worker that is asked to stop in mid-train while Temporal is gone ends by itself', async () => {
  const { folder, env } = long.project;
  const through = { folder, env: { ...env, TEMPORAL_ADDRESS: way.address } };
  const worker = await startWorker(through, '--shutdown-grace', '1');
  const handle = await long.start();
  await long.training(handle);
  way.cut();
  worker.kill('SIGTERM');
  const asked = Date.now();
  const code = await worker.ended; // the time limit of the test is the bound
  console.info(
    `from SIGTERM without Temporal until the end: ${Date.now() - asked} ms, code ${code}`,
  );
  expect(worker.log()).toContain('the process ends after 51 s at most');
  // Another worker takes over what it had.
  await long.project.startWorker();
  expect((await long.result(handle)).version).not.toBeNull();
});
