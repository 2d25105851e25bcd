import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromiumPath } from '../support/browser.ts';
import { root, setup } from '../support/stack.ts';
import { makeScene } from './scene.ts';
import { screensOf } from './screens.ts';
import { openViewer } from './viewer.ts';

/** `npm run screenshots`: takes the pictures in docs/images, from its own stack. */
async function take(): Promise<void> {
  const chromium = chromiumPath();
  if (chromium === undefined) throw new Error('no Chromium on PATH: apt-get install chromium');
  const end = await setup();
  try {
    await picture(chromium);
  } finally {
    await end();
  }
}

async function picture(chromium: string): Promise<void> {
  const folder = join(root, 'docs', 'images');
  mkdirSync(folder, { recursive: true });
  // By the names of somebody who has changed nothing.
  const scene = await makeScene('screens', 15, {
    TEMPORAL_NAMESPACE: 'default',
    RETRAIN_BUCKET: 'incremental-training',
    MLFLOW_EXPERIMENT_NAME: 'incremental_training',
  });
  const viewer = await openViewer(chromium, scene);
  try {
    for (const screen of screensOf(scene)) {
      const page = await viewer.open(screen);
      await page.waitForTimeout(1_500); // charts and fonts settle
      await page.screenshot({ path: join(folder, `${screen.name}.png`) });
      await page.close();
      console.error(`docs/images/${screen.name}.png`);
    }
  } finally {
    await viewer.close();
    await scene.close();
  }
}

await take();
