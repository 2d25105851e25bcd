import { resolve } from 'node:path';
import type { Config } from '../config/environment.ts';
import { SetupError } from '../contract/failures.ts';
import { withFileLock } from '../store/file-lock.ts';
import { LocalCache } from '../store/local-cache.ts';
import { soundRecord } from '../store/record-check.ts';
import type { VersionRecord } from '../store/version-record.ts';
import { fetchMissing } from './checkout/fetch.ts';
import { lookAround } from './checkout/look.ts';
import { planCheckout } from './checkout/plan.ts';
import { printCheckedOut, refusal } from './checkout/report.ts';
import { lockFile, makeMemory, readState } from './checkout/state.ts';
import { wantedFiles } from './checkout/wanted.ts';
import { writeTree } from './checkout/write.ts';
import { EXIT } from './context.ts';
import { printJson, say } from './print.ts';
import { openSession, type Session } from './session.ts';

export interface CheckoutOptions {
  pipeline: string;
  version: number;
  /** The working tree. */
  out: string;
  /** The folder of the local cache. */
  cache: string;
  /** Overwrites and removes edited files too. */
  force?: boolean | undefined;
  json?: boolean | undefined;
}

/** `checkout N`: brings a version back as files, fetching only what is not on this machine. */
export async function checkout(config: Config, options: CheckoutOptions): Promise<number> {
  const session = await openSession(config, { check: ['storage'] });
  const out = resolve(options.out);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  try {
    const record = await soundRecord(session.store, options.pipeline, options.version);
    await makeMemory(out);
    const wait = (pid: number): void =>
      say(`process ${pid} checks out into ${out}: waiting for it`);
    const into = { ...options, out };
    const work = (): Promise<number> => checkoutInto(session, record, into, stopping.signal);
    return await withFileLock(lockFile(out), work, wait);
  } catch (error) {
    if (!stopping.signal.aborted) throw localError(error, out);
    say(`stopped; "checkout ${options.version}" goes on from here`);
    return EXIT.detached;
  } finally {
    process.off('SIGINT', stop);
    await session.close();
  }
}

async function checkoutInto(
  { store }: Session,
  record: VersionRecord,
  options: CheckoutOptions,
  signal: AbortSignal,
): Promise<number> {
  const { pipeline, version, out: folder } = options;
  const wanted = await wantedFiles(store.artifacts, record);
  const cache = new LocalCache(options.cache);
  await cache.sweep();
  const state = await readState(folder);
  const found = await lookAround({ folder, state, cache }, wanted);
  const plan = planCheckout(wanted, Object.keys(state?.files ?? {}), found);
  if (plan.edited.length > 0 && options.force !== true) throw refusal(plan.edited, options);
  const refs = plan.write.map((path) => wanted.get(path)!.ref);
  const { cached, fetchedBytes } = await fetchMissing(store.bucket, cache, refs, signal);
  const from = { pipeline, version };
  await writeTree({ folder, version: from, wanted, plan, state, cached, signal });
  const { write: written, keep: kept, remove: removed } = plan;
  const done = { pipeline, version, out: folder, written, kept, removed };
  if (options.json === true) printJson({ ...done, fetched_bytes: fetchedBytes });
  else printCheckedOut({ ...done, fetched_bytes: fetchedBytes }, wanted);
  return 0;
}

/** What the file system said no to, as a sentence. */
function localError(error: unknown, out: string): unknown {
  const { code, syscall, path = out } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return new SetupError(`${out} is not a folder: choose another with --out`, { cause: error });
  return new SetupError(
    `${path} cannot be read or written (${code}, ${syscall}): check the permissions there and the space on its disk`,
    { cause: error },
  );
}
