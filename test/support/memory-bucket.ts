import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { StorageUnavailable } from '../../contract/failures.ts';
import { MOST_BYTES, makeTooLargeError } from '../../store/bucket.ts';
import { byCodePoint } from '../../contract/codepoints.ts';
import type {
  Bucket,
  BucketLocation,
  Condition,
  ListedObject,
  ObjectHead,
  OpenObject,
  PartsOptions,
  PutOptions,
  StoredObject,
} from '../../store/bucket.ts';
import { sha256 } from '../../store/hash.ts';
import { currentSignal } from '../../store/signal.ts';

/** An object with all that S3 keeps beside its bytes. */
interface Kept {
  bytes: Buffer;
  etag: string;
  /** The checksum that HEAD shows; undefined as on a server that keeps none. */
  sha256: string | undefined;
  ours: boolean;
  modified: Date;
}

/** What one server holds; several clients share it. */
export class MemoryServer {
  /** Undefined until the bucket is created. */
  objects: Map<string, Kept> | undefined;
  /** Unfinished uploads by ID, with the parts that are stored. */
  readonly uploads = new Map<string, { key: string; parts: Buffer[] }>();
  /** The clock of `modified`. */
  now = (): Date => new Date();
  #uploads = 0;

  /** The bucket's objects, created if there is no bucket. */
  ensured(): Map<string, Kept> {
    return (this.objects ??= new Map());
  }

  nextUploadId(): string {
    return `upload-${++this.#uploads}`;
  }
}

/** A request as `around` sees it. */
export interface MemoryRequest {
  verb: 'get' | 'head' | 'list' | 'put' | 'delete' | 'bucket' | 'part';
  key: string;
}

/** Wraps what the server does for a request: it may delay it, refuse it, or lose the answer. */
export type Around = <T>(request: MemoryRequest, act: () => T) => T | Promise<T>;

interface Options {
  around?: Around;
  /** Keys in one page of a listing; 1000 by default, as on S3. */
  pageSize?: number;
  /** Bytes in a part. */
  partSize?: number;
}

/** A bucket in memory, which holds the same contract as S3 (test/store/bucket-contract.ts). */
export class MemoryBucket implements Bucket {
  readonly location: BucketLocation = { region: 'memory', bucket: 'memory' };
  readonly server: MemoryServer;
  readonly #around: Around;
  readonly #pageSize: number;
  readonly #partSize: number;

  constructor(
    server = new MemoryServer(),
    { around = (_, act) => act(), pageSize = 1000, partSize = 16 * 1024 * 1024 }: Options = {},
  ) {
    this.server = server;
    this.#around = around;
    this.#pageSize = pageSize;
    this.#partSize = partSize;
  }

  ensure(): Promise<void> {
    return this.#ask('bucket', '', () => void this.server.ensured());
  }

  exists(): Promise<boolean> {
    return this.#ask('bucket', '', () => this.server.objects !== undefined);
  }

  get(key: string, most = MOST_BYTES): Promise<StoredObject | undefined> {
    return this.#ask('get', key, () => {
      const kept = this.server.objects?.get(key);
      if (kept !== undefined && kept.bytes.length > most)
        throw makeTooLargeError(key, kept.bytes.length, most);
      return kept && { bytes: Buffer.from(kept.bytes), etag: kept.etag };
    });
  }

  open(key: string): Promise<OpenObject | undefined> {
    return this.#ask('get', key, () => {
      const kept = this.server.objects?.get(key);
      return kept && { size: kept.bytes.length, etag: kept.etag, chunks: chunksOf(kept.bytes) };
    });
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#ask('head', key, () => {
      const kept = this.server.objects?.get(key);
      return (
        kept && {
          size: kept.bytes.length,
          etag: kept.etag,
          sha256: kept.sha256,
          ours: kept.ours,
        }
      );
    });
  }

  /** Each page shows the objects that exist when it is asked for, as on S3. */
  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let after = '';
    for (;;) {
      const page = await this.#ask('list', prefix, () => this.#page(prefix, after));
      yield* page;
      if (page.length < this.#pageSize) return;
      after = page.at(-1)!.key;
    }
  }

  async names(prefix: string): Promise<string[]> {
    const names = new Set<string>();
    for await (const { key } of this.list(prefix))
      names.add(/^[^/]*\/?/.exec(key.slice(prefix.length))![0]);
    return [...names];
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<string | undefined> {
    return this.#ask('put', key, () => {
      if (sha256(bytes) !== options.sha256)
        throw new StorageUnavailable(`the bytes for ${key} do not match their checksum`);
      const objects = this.server.ensured();
      if (!holds(objects.get(key), options.condition)) return undefined;
      const etag = `"${md5(bytes)}"`;
      this.#keep(key, Buffer.from(bytes), { ...options, etag });
      return etag;
    });
  }

  async putParts(key: string, file: string, options: PartsOptions): Promise<void> {
    const { size, watch } = options;
    const uploadId = await this.#ask('part', key, () => {
      this.server.ensured();
      const id = this.server.nextUploadId();
      this.server.uploads.set(id, { key, parts: [] });
      return id;
    });
    try {
      await watch.begun(uploadId);
      const bytes = await readFile(file);
      if (bytes.length < size)
        throw new StorageUnavailable(`the file for ${key} became shorter while it was stored`);
      for (let from = 0; from < size; from += this.#partSize) {
        const part = bytes.subarray(from, Math.min(from + this.#partSize, size));
        await this.#ask('part', key, () => this.#upload(uploadId).parts.push(part));
        await watch.going();
      }
      await this.#ask('part', key, () => this.#complete(key, uploadId, options));
    } catch (error) {
      await this.abortUpload(key, uploadId);
      await watch.ended();
      throw error;
    }
    await watch.ended();
  }

  sizeOfUpload(key: string, uploadId: string): Promise<number | undefined> {
    return this.#ask('part', key, () => {
      const upload = this.server.uploads.get(uploadId);
      return upload?.parts.reduce((sum, part) => sum + part.length, 0);
    });
  }

  abortUpload(key: string, uploadId: string): Promise<void> {
    return this.#ask('part', key, () => void this.server.uploads.delete(uploadId));
  }

  delete(key: string): Promise<void> {
    return this.#ask('delete', key, () => void this.server.objects?.delete(key));
  }

  close(): void {}

  async #ask<T>(verb: MemoryRequest['verb'], key: string, act: () => T): Promise<T> {
    const signal = currentSignal();
    signal?.throwIfAborted();
    return this.#around({ verb, key }, act);
  }

  #page(prefix: string, after: string): ListedObject[] {
    const keys = [...(this.server.objects?.keys() ?? [])]
      .filter((key) => key.startsWith(prefix) && byCodePoint(key, after) > 0)
      .sort(byCodePoint)
      .slice(0, this.#pageSize);
    return keys.map((key) => {
      const { bytes, modified } = this.server.objects!.get(key)!;
      return { key, size: bytes.length, modified };
    });
  }

  #upload(uploadId: string): { parts: Buffer[] } {
    const upload = this.server.uploads.get(uploadId);
    if (upload === undefined) throw new StorageUnavailable(`there is no upload ${uploadId}`);
    return upload;
  }

  #complete(key: string, uploadId: string, options: PartsOptions): void {
    const { parts } = this.#upload(uploadId);
    const etag = `"${md5(Buffer.concat(parts.map((part) => Buffer.from(md5(part), 'hex'))))}-${parts.length}"`;
    this.#keep(key, Buffer.concat(parts), { ...options, etag });
    this.server.uploads.delete(uploadId);
  }

  #keep(
    key: string,
    bytes: Buffer,
    { etag, sha256: checksum, mark }: { etag: string; sha256: string; mark?: boolean },
  ): void {
    const [ours, modified] = [mark === true, this.server.now()];
    this.server.ensured().set(key, { bytes, etag, sha256: checksum, ours, modified });
  }
}

function holds(kept: Kept | undefined, condition: Condition | undefined): boolean {
  if (condition === undefined) return true;
  if ('absent' in condition) return kept === undefined;
  return kept !== undefined && kept.etag === condition.etag;
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += 65_536) yield bytes.subarray(from, from + 65_536);
}

/** Opens buckets in memory: the same name opens the same bucket. */
export function openInMemory(options: Options = {}): { open: (name: string) => MemoryBucket } {
  const servers = new Map<string, MemoryServer>();
  return {
    open: (name) => {
      const server = servers.get(name) ?? new MemoryServer();
      servers.set(name, server);
      return new MemoryBucket(server, options);
    },
  };
}

/** A bucket in memory, and the requests that it got, in their order. */
export function noteRequests() {
  const sent: MemoryRequest[] = [];
  const bucket = new MemoryBucket(undefined, {
    around: (request, act) => {
      sent.push(request);
      return act();
    },
  });
  /** The keys that were put. */
  const listPuts = (): string[] => sent.flatMap(({ verb, key }) => (verb === 'put' ? [key] : []));
  return { bucket, sent, listPuts };
}
