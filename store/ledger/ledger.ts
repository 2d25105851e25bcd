import { Conflict, DamagedArtifact, MissingHistory } from '../../contract/failures.ts';
import type { Bucket } from '../bucket.ts';
import {
  amendBatch,
  type Amendment,
  makeEmptyLedger,
  enterLook,
  type Look,
  enterGrown,
  type Grown,
} from './changes.ts';
import { hasArrivals, ledgerKey, rawEntryOf } from './read.ts';
import { LEDGER, type Ledger, type NewBatch, type NewRaw, type Settings } from './schema.ts';
import { hashOf } from '../hash.ts';
import { readDocument, swapDocument } from '../documents.ts';

export type { Ledger, NewBatch, NewRaw, RawEntry, Settings } from './schema.ts';
export {
  amendmentOf,
  batchesAt,
  batchesKnown,
  columnsAt,
  hasArrivals,
  hasState,
  isFilled,
  isWhole,
  ledgerKey,
  rawNamed,
  rawOf,
  refsOf,
  rowsWaiting,
  rawEntryOf,
  shuffleSeedOf,
  wholeOf,
} from './read.ts';

/** The ledgers in a bucket. A ledger holds a pipeline's frozen settings and its batches; a cut batch is immutable. */
export class Ledgers {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async read(pipeline: string): Promise<Ledger | undefined> {
    return (await readDocument(this.#bucket, ledgerKey(pipeline), LEDGER))?.value;
  }

  /**
   * Opens the ledger. A ledger without batches takes the new settings and location. One with batches is returned unchanged,
   * and the caller compares its settings.
   */
  async open(
    pipeline: string,
    opened: Pick<Ledger, 'settings' | 'location'>,
    raw: NewRaw,
  ): Promise<Ledger> {
    return swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) => {
      if (current !== undefined && current.batches.length > 0) return current;
      const revision = (current?.revision ?? 0) + 1;
      const next: Ledger = {
        ...makeEmptyLedger(pipeline, opened, revision),
        raw: [{ revision, ...raw, after: 0, whole: null }],
      };
      const same = current !== undefined && hashOf(contentOf(current)) === hashOf(contentOf(next));
      return same ? current : next;
    });
  }

  /**
   * Enters batches that are not in the ledger yet, in order.
   * @param settings the settings they were cut with
   * @throws Conflict when the ledger has been opened under other settings or with other data meanwhile;
   *   with `details.grown` when only more rows have arrived, so that cutting again helps
   * @throws DamagedArtifact when the ledger has the batch with other bytes: a number never has two meanings
   */
  async append(
    pipeline: string,
    settings: Settings,
    batches: readonly NewBatch[],
  ): Promise<Ledger> {
    return swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) => {
      if (current === undefined) throw noLedger(pipeline);
      if (hashOf(current.settings) !== hashOf(settings))
        throw new Conflict(
          `another run has opened ${pipeline} with other settings while this one cut its batches: run it again, or choose another pipeline name`,
        );
      const known = new Set([...current.raw, ...current.amended].map(({ ref }) => ref.sha256));
      if (!batches.every(({ raw }) => known.has(raw)))
        throw new Conflict(
          `another run has opened ${pipeline} with another state of its source while this one cut its batches: run it again, or choose another pipeline name`,
        );
      return batches.reduce(appendBatch, current);
    });
  }

  /**
   * Enters what a look at a folder or a prefix found: new files, in this order, after the known ones; and the
   * files that cannot be used, which replace those of the previous look.
   * @throws Conflict when batches have been cut with other settings meanwhile
   */
  async arrive(pipeline: string, look: Look): Promise<Ledger> {
    return swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) =>
      enterLook(current, pipeline, look),
    );
  }

  /**
   * Enters a later state of an append-only table.
   * @returns undefined when the ledger has changed since the state was found: batches have been cut or another
   *   state has been entered, so the new rows must be found again
   */
  async grow(pipeline: string, grown: Grown): Promise<Ledger | undefined> {
    let fits = false;
    const ledger = await swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) => {
      if (current === undefined) throw noLedger(pipeline);
      const next = enterGrown(current, grown);
      fits = next !== undefined;
      return next ?? current;
    });
    return fits ? ledger : undefined;
  }

  /**
   * Replaces a batch. Its old rows stay in the earlier revisions. The same bytes change nothing.
   * @throws MissingHistory when there is no such batch
   */
  async amend(pipeline: string, amendment: Amendment): Promise<Ledger> {
    return swapDocument(this.#bucket, ledgerKey(pipeline), LEDGER, (current) => {
      if (current === undefined)
        throw new MissingHistory(`${pipeline} has no data yet, so no batch to amend`);
      return amendBatch(current, amendment);
    });
  }
}

/** The content of a ledger without batches, except its revision. */
function contentOf({ settings, location, raw }: Ledger): unknown {
  return { settings, location, raw: raw.map(({ ref, columns, rows }) => ({ ref, columns, rows })) };
}

function appendBatch(ledger: Ledger, added: NewBatch): Ledger {
  const entered = ledger.batches[added.batch - 1];
  if (entered !== undefined) {
    if (entered.ref.sha256 === added.ref.sha256) return ledger;
    if (entered.replaced.some(({ ref }) => ref.sha256 === added.ref.sha256))
      throw new Conflict(
        `batch ${added.batch} of ${ledger.pipeline} was amended while this run cut it: run it again`,
      );
    throw new DamagedArtifact(
      `batch ${added.batch} of ${ledger.pipeline} was cut again with other bytes than the ledger holds: the cutting code has changed its output without a new code version`,
      { details: { ref: added.ref } },
    );
  }
  if (added.batch !== ledger.batches.length + 1)
    throw new DamagedArtifact(
      `batch ${added.batch} of ${ledger.pipeline} cannot follow batch ${ledger.batches.length}: cut the ones between first`,
    );
  if (isOutgrown(ledger, added))
    throw new Conflict(
      `rows of batch ${added.batch} of ${ledger.pipeline} arrived while this run cut it without them: run it again`,
      { details: { grown: true } },
    );
  const revision = ledger.revision + 1;
  return {
    ...ledger,
    revision,
    batches: [...ledger.batches, { ...added, revision, replaced: [] }],
  };
}

/** Whether a batch is the short last one of a table that has more rows now: the new rows belong in it. */
function isOutgrown(ledger: Ledger, { batch, raw, rows }: NewBatch): boolean {
  const short = rows < ledger.settings.batch_size;
  return short && !hasArrivals(ledger) && rawEntryOf(ledger, batch).ref.sha256 !== raw;
}

function noLedger(pipeline: string): DamagedArtifact {
  return new DamagedArtifact(
    `the ledger of ${pipeline} is missing from the bucket (${ledgerKey(pipeline)}): restore it from a backup`,
  );
}
