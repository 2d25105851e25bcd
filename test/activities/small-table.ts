import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { getData } from '../../activities/get_data.ts';
import { mergeData } from '../../activities/merge_data.ts';
import { prepareBatch } from '../../activities/prepare_batch.ts';
import { computeHere } from '../../client/commands/pending/looking.ts';
import type { StageRequest, StageResult } from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { limitsFromEnv, type SourceDeps } from '../../sources/source.ts';
import { objectKey } from '../../store/hash.ts';
import { storeIn, type Store } from '../../store/index.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import { LocalCache } from '../../store/local-cache.ts';
import type { Ref } from '../../contract/ref.ts';
import { MemoryBucket, MemoryServer, type Around } from '../support/memory-bucket.ts';

type Asked = Partial<StageRequest<'get_data'>>;

/** Pipeline `p` over table.csv: 5 rows, 2 in a batch, in the order of the file. Its activities run without Temporal. */
export class SmallTable {
  readonly server = new MemoryServer();
  readonly bucket = new MemoryBucket(this.server);
  readonly store: Store = storeIn(this.bucket);
  readonly #root = mkdtempSync(join(tmpdir(), 'small table '));
  readonly #file = join(this.#root, 'table.csv');
  /** Requests of the activities pass through here. */
  around: Around = (_, act) => act();
  #runs = 0;

  constructor(text = 'n,label\n1,a\n2,b\n3,a\n4,b\n5,a\n') {
    this.write(text);
  }

  write(text: string): void {
    writeFileSync(this.#file, text);
  }

  removeSource(): void {
    rmSync(this.#file);
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  params(more: { data?: object; model?: object } = {}) {
    const data = { source: 'table.csv', target: 'label', batch_size: 2, shuffle_seed: null };
    return paramsSchema.parse({ ...more, data: { ...data, ...more.data } });
  }

  getData(asked: Asked = {}): Promise<StageResult<'get_data'>> {
    const request = { ...this.#call(asked), inputs: {}, source: null, refresh: false, ...asked };
    return this.#run(() => getData(this.#deps(), request));
  }

  async prepareBatch(
    batch: number,
    asked: Partial<StageRequest<'prepare_batch'>> = {},
  ): Promise<StageResult<'prepare_batch'>> {
    const inputs = asked.inputs ?? (await this.#read());
    const request = { ...this.#call({ batch }), ...asked, inputs };
    return this.#run(() => prepareBatch(this.#deps(), request));
  }

  mergeData(
    batch: number,
    asked: Partial<StageRequest<'merge_data'>> = {},
  ): Promise<StageResult<'merge_data'>> {
    const request = { ...this.#call({ batch }), inputs: {}, ledgerRevision: 99, ...asked };
    return this.#run(() => mergeData(this.#deps(), request));
  }

  async ledger(): Promise<Ledger> {
    return (await this.store.ledgers.read('p'))!;
  }

  async textOf(ref: Ref): Promise<string> {
    return Buffer.from(await this.store.artifacts.get(ref)).toString();
  }

  /** Removes an object, as a disk or a person may. */
  async lose({ md5 }: Ref): Promise<void> {
    await this.bucket.delete(objectKey(md5));
  }

  async #read(): Promise<{ raw: Ref; columns: Ref }> {
    const { ref, columns } = (await this.ledger()).raw.at(-1)!;
    return { raw: ref, columns };
  }

  #call({ batch = 1 }: { batch?: number | undefined }) {
    const params = this.params();
    return { pipeline: 'p', batch, params, cache: 'use' as const, damaged: [], force: null };
  }

  #deps(): SourceDeps & { store: Store } {
    return {
      root: this.#root,
      scratch: this.#root,
      compute: computeHere,
      local: new LocalCache(join(this.#root, 'cache')),
      store: storeIn(
        new MemoryBucket(this.server, { around: (request, act) => this.around(request, act) }),
      ),
      sources: { s3: { region: 'us-east-1', bucket: 'unused' }, limits: limitsFromEnv({}) },
    };
  }

  /** Each attempt is of another run: what one of them has made, the next finds in the store alone. */
  #run<T>(work: () => Promise<T>): Promise<T> {
    const workflowExecution = { workflowId: 'w', runId: `run-${this.#runs++}` };
    const logger = new DefaultLogger('ERROR', () => undefined);
    return new MockActivityEnvironment({ workflowExecution }, { logger }).run(work);
  }
}
