import type { Page } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screens.ts';

const WIDTH = 1280;
const PATIENCE_MS = 60_000;

/** Somebody who looks at pages, with the columns set that the docs tell of. */
export interface Viewer {
  /** Opens a page and waits until all of it is seen. @throws what is missing, and what is there instead */
  open: (screen: Screen) => Promise<Page>;
  close: () => Promise<void>;
}

export async function openViewer(chromium: string, scene: Scene): Promise<Viewer> {
  const browser = await openBrowser(chromium);
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  const settings = JSON.stringify(Object.entries(settingsOf(scene)));
  // As text, for our types know no browser. A file has no storage.
  await context.addInitScript({
    content: `if (location.protocol.startsWith('http'))
      for (const [key, value] of ${settings}) localStorage.setItem(key, value);`,
  });
  return {
    open: async (screen) => {
      const page = await context.newPage();
      await page.setViewportSize({ width: WIDTH, height: screen.height });
      await page.goto(screen.url);
      if (screen.click !== undefined) await page.getByText(screen.click).first().click();
      await untilSeen(page, screen);
      return page;
    },
    close: async () => browser.close(),
  };
}

/** What these pages keep in a browser: the columns of tables, and panels that are closed. */
function settingsOf({ temporal, built, pipelineRun }: Scene): Record<string, string> {
  const attributes = ['RetrainBatch', 'RetrainAccuracy', 'RetrainOutcome'];
  const columns = ['Status', 'Workflow ID', 'Start', ...attributes];
  const runs = {
    selectedColumns: [
      'attributes.`Models`',
      'metrics.`accuracy`',
      'metrics.`f1_macro`',
      'metrics.`train_rows`',
      'params.`model.max_depth`',
    ],
    orderByKey: 'attributes.start_time',
    orderByAsc: false,
    runsExpanded: { [pipelineRun]: true },
    startTime: 'ALL',
    lifecycleFilter: 'Active',
  };
  return {
    navOpen: 'false',
    'namespace-workflow-table-columns': JSON.stringify({
      [temporal.options.namespace]: columns.map((label) => ({ label })),
    }),
    'mlflow.workflowType_v1': '"machine_learning"',
    'mlflow.assistant.fab.autoOpenedOnFirstLoad_v1': 'true',
    'mlflow.assistant.panelOpen_v1': 'false',
    [`MLflowLocalStorage-1.1-ExperimentPage-["${built.mlflow!.experimentId}"]-ReactComponentState`]:
      JSON.stringify(runs),
  };
}

async function untilSeen(
  page: Page,
  { name, sees, lacks = [], links = [] }: Screen,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { text, targets } = await seenOn(page);
    const missing = [
      ...sees.filter((one) => !text.includes(one)),
      ...links.filter((one) => !targets.includes(one)),
    ];
    const wrong = lacks.filter((one) => text.includes(one));
    if (missing.length === 0 && wrong.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(`${name} lacks [${missing.join('; ')}], has [${wrong.join('; ')}]:\n${text}`);
    await page.waitForTimeout(250);
  }
}

interface Seen {
  text: string;
  targets: string[];
}

/** The visible text of a page and its frames, and where their links lead; spaces that do not break are spaces. */
async function seenOn(page: Page): Promise<Seen> {
  const parts = await Promise.all(
    page.frames().map(async (frame) => {
      try {
        return await frame.evaluate<Seen>(
          `({ text: document.body.innerText, targets: [...document.links].map(({ href }) => href) })`,
        );
      } catch {
        return { text: '', targets: [] }; // it is being replaced
      }
    }),
  );
  return {
    text: parts.map(({ text }) => text.replaceAll('\u00a0', ' ')).join('\n'),
    targets: parts.flatMap(({ targets }) => targets),
  };
}
