import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Config } from '../../../config/environment.ts';
import { nameBuild } from '../../../contract/versions.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../../context.ts';
import { print, printJson, say } from '../../print.ts';
import { withStoreSession } from '../../session.ts';
import { writeResult } from '../../write-whole.ts';
import { type BuildName, parseBuildName, readNamed } from '../diff/diff.ts';

interface ReportFlags extends CommonFlags {
  out?: string;
  open?: boolean;
}

export function reportCommand(context: CommandContext): Command {
  return pipelineCommand('report')
    .argument(
      '<N>',
      'the version, or champion; 3.1 is the first build of version 3',
      parseBuildName,
    )
    .option('--out <file>', 'write it to this file (default: reports/PIPELINE-vN.html)')
    .option('--open', 'open it in the browser')
    .addHelpText(
      'after',
      examples('report 3 --open', 'report 3.1 --out three.html', 'report champion'),
    )
    .action(async (build: BuildName, { pipeline, ...flags }: ReportFlags) => {
      const config = await context.configure(pipeline);
      process.exitCode = await report(config, { root: context.root, build, ...flags });
    });
}

interface ReportOptions {
  root: string;
  build: BuildName;
  json?: boolean | undefined;
  out?: string | undefined;
  open?: boolean | undefined;
}

/** `report N`: writes one HTML file about a version: scores, changes, the model, its data and its origin. */
async function report(
  config: Config,
  { root, build, json, out, open }: ReportOptions,
): Promise<number> {
  const { pipeline } = config;
  const { readReportFacts } = await import('./facts.ts');
  const { renderReport } = await import('../../../pipeline/scoring/report/report.ts');
  return withStoreSession(config, async (session) => {
    const record = await readNamed(session, pipeline, build);
    const page = await renderReport(await readReportFacts(session, record));
    const name = build.version === 'champion' ? nameBuild(record) : build.text;
    const path = resolve(out ?? `${root}/reports/${pipeline}-v${name}.html`);
    await writeResult(path, page);
    if (json === true)
      printJson({ pipeline, version: record.version, build: record.seq, path, size: page.length });
    else print(path);
    if (open === true) await openInBrowser(path);
    return 0;
  });
}

/** The command of each system that opens a file in its default application. */
const OPENERS: Partial<Record<NodeJS.Platform, [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/** Opens a file in the browser, and does not wait for it. Without a browser, this prints a warning. */
async function openInBrowser(path: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const opened = spawn(command, [...args, path], { detached: true, stdio: 'ignore' });
  const failed = await new Promise<Error | undefined>((done) => {
    opened.once('spawn', () => done(undefined)).once('error', done);
  });
  if (failed !== undefined)
    say(`no browser could be started (${failed.message}): open the file by hand`, 'warning');
  opened.unref();
}
