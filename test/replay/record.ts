import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import proto from '@temporalio/proto';
import { makeProject } from '../support/project.ts';
import { openProxy } from '../support/proxy.ts';
import { setup } from '../support/stack.ts';
import { SCENARIOS } from './scenarios.ts';
import { scrub } from './scrub.ts';

/**
 * Records a history of each scenario on real servers, to be replayed by the tests: `npm run record-histories`.
 * Until 1.0 they are recorded again when a workflow changes; from then on they stay, and changes are guarded.
 */
const { History } = proto.temporal.api.history.v1;
const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const teardown = await setup();
try {
  const mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
  const project = await makeProject('histories', { MLFLOW_TRACKING_URI: mlflow.uri });
  await project.startWorker();
  const recorded = new Map<string, string>();
  for (const { name, play } of SCENARIOS) {
    const history = History.fromObject(
      await (await play({ client: project.temporal, mlflow })).fetchHistory(),
    );
    const plain = History.toObject(history, { longs: String, bytes: String, enums: String });
    const text = scrub(JSON.stringify(plain));
    recorded.set(name, text);
    process.stderr.write(`${name}: ${text.length} bytes\n`);
  }
  // Only once all of them are there: a recording that fails leaves those of before.
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) rmSync(join(folder, file));
  for (const [name, text] of recorded) writeFileSync(join(folder, `${name}.json`), text);
  await project.close();
  mlflow.close();
} finally {
  await teardown();
}
