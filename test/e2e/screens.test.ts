import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { result } from '../../contract/messages.ts';
import { makeScene, type Scene } from '../screenshots/scene.ts';
import { screensOf } from '../screenshots/screens.ts';
import { openViewer, type Viewer } from '../screenshots/viewer.ts';
import { chromiumPath } from '../support/browser.ts';
import { needs } from '../support/needs.ts';
import { ROOT } from '../support/project.ts';

/** What a person sees in a browser: every page of which the docs have a picture, and the Web UI's form. */

const chromium = chromiumPath();
const missing = chromium === undefined ? 'there is no Chromium on PATH' : undefined;

describe('in a browser', needs(missing), () => {
  let scene: Scene;
  let viewer: Viewer;

  beforeAll(async () => {
    scene = await makeScene('screens', 50);
    viewer = await openViewer(chromium!, scene);
  });

  afterAll(async () => {
    await viewer?.close();
    await scene?.close();
  });

  it('every page that the docs show has what they tell of', async () => {
    const seen: string[] = [];
    for (const screen of screensOf(scene)) {
      await (await viewer.open(screen)).close();
      seen.push(`${screen.name}.png`);
    }
    expect(seen.sort()).toEqual(readdirSync(join(ROOT, 'docs', 'images')).sort());
  });

  describe('the Start Workflow form', () => {
    /** Fills it in as the docs say, but for what is given. */
    async function fill(given: { id?: string; input?: string } = {}): Promise<Page> {
      const text = readFileSync(join(ROOT, 'docs', 'other-clients.md'), 'utf8').replace(
        /\s+/g,
        ' ',
      );
      const [, id = '', queue = '', type = '', input = ''] =
        /Workflow ID `(.+?)`, Task Queue `(.+?)`, Workflow Type `(.+?)`, Input `(.+?)`/.exec(text)!;
      const page = await viewer.open({
        name: 'start workflow',
        url: scene.webUi('/workflows/start-workflow'),
        sees: ['Workflow ID', 'Task Queue', 'Workflow Type', 'Input'],
        height: 1000,
      });
      await page.locator('#workflowId').fill(given.id ?? id);
      await page.locator('#taskQueue').fill(queue);
      await page.locator('#workflowType').fill(type);
      await page.locator('.cm-content').first().click();
      await page.keyboard.insertText(given.input ?? input);
      await page.getByRole('heading').first().click(); // leaving the field sets it in order, and moves the button
      await page.getByText('Task Queue is Active').waitFor();
      return page;
    }

    it('starts a run with what the docs say to type there', async () => {
      const page = await fill();
      await page.getByTestId('start-workflow-button').click();
      await page.getByText('Workflow started successfully').first().waitFor();
      const handle = scene.temporal.workflow.getHandle('iris-batch-2');
      expect(await handle.result()).toMatchObject({ batch: 2, version: { version: 2 } });
    });

    it('does not take what is no JSON', async () => {
      const page = await fill({ input: '{"batch": ' });
      const button = page.getByTestId('start-workflow-button');
      await expect.poll(() => button.isDisabled()).toBe(true);
    });

    it('shows in a sentence why a run with other input failed at once', async () => {
      const page = await fill({ id: 'by form', input: '{"batch": "two"}' });
      await page.getByTestId('start-workflow-button').click();
      await page.getByText('Workflow started successfully').first().waitFor();
      const handle = scene.temporal.workflow.getHandle('by form');
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'BadParams' } });
      expect((await handle.query(result)).error!.message).toMatch(/batch is "two"/);
      const { runId } = await handle.describe();
      await viewer.open({
        name: 'failed at once',
        url: scene.webUi(`/workflows/by%20form/${runId}/user-metadata`),
        sees: ['batch is “two”'], // the Web UI's own quotes
        height: 900,
      });
    });
  });
});
