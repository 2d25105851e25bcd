import { CommanderError } from 'commander';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BadParams, SetupError } from '../../../../contract/failures.ts';
import type { ServingReport } from '../../../../serving/http/report.ts';
import { openOddServer } from '../../../support/odd-server.ts';
import { loadCommand } from '../../commands.ts';

const CHECKED = { checked_at: '2026-01-02T03:04:05.000Z', problem: null };

const plain: ServingReport = {
  pipeline: 'iris',
  model: 'latest',
  version: 3,
  build: 1,
  ...CHECKED,
  rows: 1200,
  canary: null,
  shadow: null,
  log: null,
};

const classes: ServingReport = {
  ...plain,
  canary: {
    model: 'latest',
    version: 4,
    build: 1,
    ...CHECKED,
    share: 0.05,
    key: 'customer',
    rows: 57,
    rows_failed: 2,
    rows_without_key: 3,
  },
  shadow: {
    model: '5',
    version: 5,
    build: 2,
    ...CHECKED,
    problem: 'it is broken',
    comparison: {
      since: '2026-01-02T03:04:05.000Z',
      rows: { alike: 995, different: 5, failed: 1, skipped: 0 },
      agreement: 0.995,
      distributions: {
        model: { classes: { setosa: 400, virginica: 600 } },
        shadow: { classes: { setosa: 405, virginica: 595 } },
      },
      differing: [{ model: 'virginica', shadow: 'setosa', rows: 5 }],
      mean_difference: null,
    },
  },
  log: {
    share: 0.01,
    rows: 12,
    rows_waiting: 80,
    rows_dropped: 0,
    files: 1,
    bytes: 3456,
    problem: null,
  },
};

let answer: unknown;
const server = await openOddServer({
  '/report': (_, response) => response.end(JSON.stringify(answer)),
});
const url = server.url('');
afterAll(() => server.close());

beforeEach(() => {
  vi.stubEnv('NO_COLOR', '1');
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

async function type(...words: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((bytes) => {
    text += String(bytes);
    return true;
  });
  const command = await loadCommand('serve');
  await command.parseAsync(words, { from: 'user' });
  return text;
}

describe('serve report', () => {
  it('shows the models, and what the canary, the shadow and the log have done', async () => {
    answer = classes;
    expect(await type('report', '--url', url)).toBe(
      [
        'iris',
        'role    asked for  version  rows answered  problem',
        'model   latest         3.1           1200',
        'canary  latest         4.1             57',
        'shadow  5              5.2                 it is broken',
        '',
        'canary: 5 % of values of customer; 2 rows failed and were answered by the model, 3 rows without a key',
        '',
        'shadow: 1000 rows compared since 2026-01-02 03:04 UTC, 99.5 % alike; 1 failed, 0 skipped',
        '',
        'prediction  model 3.1  share  shadow 5.2   share',
        'setosa            400   40 %         405  40.5 %',
        'virginica         600   60 %         595  59.5 %',
        '',
        'model says  shadow says  rows',
        'virginica   setosa          5',
        '',
        'log: 1 % of requests; 12 rows in 1 file (3.5 kB), 80 rows wait for the next file (within a minute), 0 rows dropped',
        '',
      ].join('\n'),
    );
  });

  it('shows numbers by their means and quantiles', async () => {
    const numbers = { 0.5: 1.5, 0.99: 9 };
    answer = {
      ...classes,
      canary: null,
      log: null,
      shadow: {
        ...classes.shadow!,
        comparison: {
          ...classes.shadow!.comparison!,
          distributions: {
            model: { mean: 2, quantiles: numbers },
            shadow: { mean: 2.25, quantiles: { ...numbers, 0.99: 10 } },
          },
          differing: null,
          mean_difference: 0.25,
        },
      },
    } satisfies ServingReport;
    const text = await type('report', '--url', url);
    expect(text).toContain('mean absolute difference: 0.25');
    expect(text).toMatch(/quantile 0\.99 +9 +10\n/);
  });

  it('shows a server without any of them, and one that has compared nothing', async () => {
    answer = { ...plain, shadow: { ...classes.shadow!, comparison: null } };
    expect(await type('report', '--url', url)).toContain('shadow: no rows were compared yet');
    answer = plain;
    expect((await type('report', '--url', url)).trim().split('\n')).toHaveLength(3);
  });

  it('prints the document of the server as JSON', async () => {
    answer = classes;
    expect(JSON.parse(await type('report', '--json', '--url', url))).toEqual(classes);
  });

  it('says where no such server answers', async () => {
    answer = { status: 'ok' };
    await expect(type('report', '--url', url)).rejects.toThrow(/is not "npx retrain serve"/);
    const gone = type('report', '--url', 'http://127.0.0.1:1');
    await expect(gone).rejects.toThrow(SetupError);
    await expect(gone).rejects.toThrow(/^no server answers at http:\/\/127\.0\.0\.1:1 \(/);
    await expect(type('report', '--url', 'nowhere')).rejects.toThrow(SetupError);
  });
});

describe('serve', () => {
  it.each([
    [['--canary-key', 'a'], 'there is no canary'],
    [['--canary-model', '3'], 'there is no canary'],
    [['--log-without', 'a'], 'no requests are stored'],
    [['--log-most', '5'], 'no requests are stored'],
    [['--shadow', 'latest'], 'the shadow is the model itself (latest)'],
    [['--canary', '5%'], 'the canary is the model itself (latest)'],
    [['--model', '3', '--canary', '5%', '--canary-model', '3'], 'the canary is the model itself'],
  ])('refuses %j', async (words, sentence) => {
    const typed = type(...words);
    await expect(typed).rejects.toThrow(BadParams);
    await expect(typed).rejects.toThrow(sentence);
  });

  it.each(['0', '0%', '101%', '1.5', 'five', '5 percent', '-1%', ''])(
    'takes %j for no share',
    async (share) => {
      await expect(type('--canary', share)).rejects.toThrow(CommanderError);
    },
  );

  it('takes shares and lists of columns as they are written', async () => {
    const command = await loadCommand('serve');
    command.parseOptions(['--model', '1', '--canary', '2.5%', '--log-share', '.5']);
    command.parseOptions(['--log-without', 'a, b', '--log-without', 'c']);
    expect(command.opts()).toMatchObject({
      canary: 0.025,
      logShare: 0.5,
      logWithout: ['a', 'b', 'c'],
    });
    expect(() => command.parseOptions(['--log-with', 'a,,b'])).toThrow(CommanderError);
  });
});
