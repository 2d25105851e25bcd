import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { makeProject, startWorker } from '../support/project.ts';
import { setup } from '../support/stack.ts';
import { SCENARIOS } from './scenarios.ts';
import { scrub } from './scrub.ts';

/**
 * Records a history of each scenario on real servers, to be replayed by the tests: `npm run record-histories`.
 * Until 1.0 they are recorded anew when a workflow changes; from then on they stay, and changes are guarded.
 */
const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const teardown = await setup();
try {
  const project = await makeProject('histories');
  const worker = await startWorker(project);
  const connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS']! });
  const client = new Client({ connection, namespace: project.env['TEMPORAL_NAMESPACE']! });
  for (const file of readdirSync(folder)) rmSync(join(folder, file));
  for (const { name, play } of SCENARIOS) {
    const handle = await play({ client, project });
    const text = scrub(historyToJSON(await handle.fetchHistory()));
    writeFileSync(join(folder, `${name}.json`), text);
    process.stderr.write(`${name}: ${text.length} bytes\n`);
  }
  await worker.stop();
  await connection.close();
  project.remove();
} finally {
  await teardown();
}
