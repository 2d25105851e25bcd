import { BadData, MissingHistory } from '../../contract/failures.ts';
import type { Params } from '../../contract/params.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import type { Ref } from '../../contract/ref.ts';
import { sha256 } from '../../store/hash.ts';
import type { GetDataRequest } from '../../contract/stages.ts';
import { checkFrozen } from '../frozen.ts';
import type { SourceDeps } from '../source.ts';
import type { Execution } from '../../contract/execution.ts';
import { lookAt, type Looked, describeLook } from './look.ts';
import { openPlace } from './open-place.ts';

/**
 * Looks at the folder or prefix if the batch is not known yet, the client has uploaded it, or a refresh is
 * requested. Damaged stored files are stored again from there.
 * @returns the ledger, and warnings about the look
 * @throws MissingHistory when that many files have not arrived
 */
export async function lookForBatch(
  deps: SourceDeps,
  request: GetDataRequest,
  execution: Execution,
): Promise<{ ledger: Ledger; warnings: string[] }> {
  const { pipeline, params, batch } = request;
  const known = await deps.store.ledgers.read(pipeline);
  if (known !== undefined && known.batches.length > 0) checkFrozen(known, params);
  const look =
    request.source !== null ||
    request.refresh ||
    known === undefined ||
    known.arrivals.length < batch
      ? await lookNow(deps, request, execution)
      : undefined;
  const ledger = look?.ledger ?? known;
  if (ledger === undefined || ledger.arrivals.length < batch)
    throw tooFew(params, batch, ledger, look);
  await storeDamaged(deps, ledger, request);
  return { ledger, warnings: describeLook(look, params.data.source) };
}

async function lookNow(
  deps: SourceDeps,
  { pipeline, params, source }: GetDataRequest,
  { signal, heartbeat }: Execution,
): Promise<Looked> {
  const place = await openPlace(deps, params.data.source, source);
  return lookAt(deps, {
    pipeline,
    params,
    place,
    signal,
    onFile: (read, of) => heartbeat({ stage: 'get_data', fraction: read / of }),
  });
}

function tooFew(
  params: Params,
  batch: number,
  ledger: Ledger | undefined,
  look: Looked | undefined,
): MissingHistory {
  const { source } = params.data;
  const count = ledger?.arrivals.length ?? 0;
  const has = count === 0 ? 'no file' : count === 1 ? 'one file' : `${count} files`;
  const others = describeLook(look, source);
  return new MissingHistory(
    `batch ${batch} has not arrived: ${source} has had ${has}${others.length > 0 ? `; ${others.join('; ')}` : ''}`,
    { details: { batch, batches: count } },
  );
}

/** Stores damaged files again from their folder or prefix, if they have not changed there. */
async function storeDamaged(
  deps: SourceDeps,
  ledger: Ledger,
  { damaged, params, source }: GetDataRequest,
): Promise<void> {
  const lost = ledger.arrivals.filter(({ raw }) => damaged.includes(findRaw(ledger, raw).md5));
  if (lost.length === 0) return;
  const place = await openPlace(deps, params.data.source, source);
  const { files } = await place.list();
  for (const { name, raw } of lost) {
    const file = files.find((one) => one.name === name);
    const bytes = file === undefined ? undefined : await place.read(file);
    if (bytes === undefined || sha256(bytes) !== raw)
      throw new BadData(
        `the stored copy of ${name} is damaged, and ${place.where} no longer has the same file: put it back there`,
      );
    await deps.store.artifacts.put(findRaw(ledger, raw).path, bytes, { rewrite: true });
  }
}

function findRaw(ledger: Ledger, sha: string): Ref {
  return ledger.raw.find(({ ref }) => ref.sha256 === sha)!.ref;
}
