import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { byCodePoint } from '../../contract/codepoints.ts';
import type { BucketOptions } from '../../store/bucket.ts';

/** An object, and the headers that it is answered with. */
interface Kept {
  bytes: Buffer;
  headers: Record<string, string>;
}

interface Asked {
  method: string;
  bucket: string;
  key: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** The part of S3's protocol that this project uses, on a free port, with everything in memory. */
export interface S3InMemory {
  options: (bucket: string) => BucketOptions;
  /** Each request as `PUT bucket/key?query`. */
  asked: string[];
  /** If it returns a status, the request is answered with that one, and nothing else happens. */
  fault: (request: string) => number | undefined;
  stop: () => Promise<void>;
}

/** @param pageSize objects in one page of a listing */
export async function startS3InMemory(pageSize = 1000): Promise<S3InMemory> {
  const storage = new Storage(pageSize);
  const s3: Pick<S3InMemory, 'asked' | 'fault'> = { asked: [], fault: () => undefined };
  const answerRequest = async (
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const body = await readAll(request);
    const url = new URL(request.url!, 'http://s3');
    const [, bucket = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const [method, key, query] = [request.method!, rest.join('/'), url.searchParams];
    const line = `${method} ${bucket}/${key}${url.search}`;
    s3.asked.push(line);
    const fault = s3.fault(line);
    const asked = { method, bucket, key, query, headers: request.headers, body };
    const answer = fault === undefined ? storage.answer(asked) : refuse(fault, `Answered${fault}`);
    response.writeHead(answer.status, answer.headers);
    response.end(method === 'HEAD' ? undefined : answer.body);
  };
  const server = createServer((request, response) => {
    void answerRequest(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing-only' };
  return Object.assign(s3, {
    options: (bucket: string) => ({ endpoint, region: 'us-east-1', bucket, credentials }),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

const PARTS_IN_PAGE = 2;

class Storage {
  readonly #buckets = new Map<string, Map<string, Kept>>();
  readonly #uploads = new Map<string, { headers: IncomingHttpHeaders; parts: Buffer[] }>();
  readonly #pageSize: number;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
  }

  answer(asked: Asked): Answer {
    const { method, bucket, key, query } = asked;
    const objects = this.#buckets.get(bucket);
    if (key === '' && method === 'PUT') {
      if (objects !== undefined) return refuse(409, 'BucketAlreadyOwnedByYou');
      this.#buckets.set(bucket, new Map());
      return { status: 200 };
    }
    if (objects === undefined) return refuse(404, 'NoSuchBucket');
    if (key === '') return method === 'HEAD' ? { status: 200 } : this.#list(objects, query);
    if (query.has('uploads') || query.has('uploadId')) return this.#upload(objects, asked);
    if (method === 'PUT') return put(objects, asked);
    if (method === 'DELETE') {
      objects.delete(key);
      return { status: 204 };
    }
    const kept = objects.get(key);
    if (kept === undefined) return refuse(404, 'NoSuchKey');
    const { 'x-amz-checksum-sha256': checksum, ...headers } = kept.headers;
    const hasChecksum =
      checksum !== undefined && asked.headers['x-amz-checksum-mode'] === 'ENABLED';
    return {
      status: 200,
      headers: {
        ...headers,
        ...(hasChecksum ? { 'x-amz-checksum-sha256': checksum } : {}),
        'content-length': String(kept.bytes.length),
      },
      body: kept.bytes,
    };
  }

  #list(objects: Map<string, Kept>, query: URLSearchParams): Answer {
    const [prefix, delimiter] = [query.get('prefix') ?? '', query.get('delimiter')];
    const after = query.get('continuation-token') ?? '';
    const names = new Map<string, Kept | undefined>();
    for (const [key, kept] of objects) {
      if (!key.startsWith(prefix)) continue;
      const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
      if (end < 0) names.set(key, kept);
      else names.set(key.slice(0, end + 1), undefined);
    }
    const rest = [...names].filter(([name]) => byCodePoint(name, after) > 0);
    const page = rest.toSorted(([a], [b]) => byCodePoint(a, b)).slice(0, this.#pageSize);
    const more = page.length < rest.length;
    const items = page.map(([name, kept]) =>
      kept === undefined
        ? `<CommonPrefixes><Prefix>${escape(name)}</Prefix></CommonPrefixes>`
        : `<Contents><Key>${escape(name)}</Key><Size>${kept.bytes.length}</Size>` +
          `<LastModified>${kept.headers['x-modified']}</LastModified></Contents>`,
    );
    const next = more
      ? `<NextContinuationToken>${escape(page.at(-1)![0])}</NextContinuationToken>`
      : '';
    return xml('ListBucketResult', `<IsTruncated>${more}</IsTruncated>${next}${items.join('')}`);
  }

  #upload(objects: Map<string, Kept>, { method, key, query, headers, body }: Asked): Answer {
    if (query.has('uploads')) {
      const id = `upload-${this.#uploads.size}`;
      this.#uploads.set(id, { headers, parts: [] });
      return xml('InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`);
    }
    const id = query.get('uploadId')!;
    const upload = this.#uploads.get(id);
    if (upload === undefined) return refuse(404, 'NoSuchUpload');
    const { parts } = upload;
    if (method === 'PUT') {
      if (headers['content-md5'] !== md5(body).toString('base64')) return refuse(400, 'BadDigest');
      parts[Number(query.get('partNumber')) - 1] = body;
      return { status: 200, headers: { etag: tag(body) } };
    }
    if (method === 'GET') {
      const from = Number(query.get('part-number-marker') ?? 0);
      const page = parts.slice(from, from + PARTS_IN_PAGE);
      const listed = page.map((part) => `<Part><Size>${part.length}</Size></Part>`).join('');
      const more = from + page.length < parts.length;
      const next = `<NextPartNumberMarker>${from + page.length}</NextPartNumberMarker>`;
      return xml('ListPartsResult', `<IsTruncated>${more}</IsTruncated>${next}${listed}`);
    }
    if (method === 'POST') {
      const listed = [...String(body).matchAll(/<ETag>(.*?)<\/ETag>/g)].map(([, etag]) => etag);
      const tags = parts.map((part) => tag(part).replaceAll('"', '&quot;'));
      if (listed.join() !== tags.join()) return refuse(400, 'InvalidPart');
      const whole = Buffer.concat(parts);
      const etag = `"${md5(Buffer.concat(parts.map(md5))).toString('hex')}-${parts.length}"`;
      objects.set(key, keep(whole, etag, upload.headers));
      this.#uploads.delete(id);
      return xml('CompleteMultipartUploadResult', `<ETag>${escape(etag)}</ETag>`);
    }
    this.#uploads.delete(id);
    return { status: 204 };
  }
}

function put(objects: Map<string, Kept>, { key, headers, body }: Asked): Answer {
  const checksum = headers['x-amz-checksum-sha256'];
  const found = createHash('sha256').update(body).digest('base64');
  if (checksum !== undefined && checksum !== found)
    return refuse(400, 'XAmzContentChecksumMismatch');
  const kept = objects.get(key);
  const wanted = headers['if-match'];
  if (wanted !== undefined && kept === undefined) return refuse(404, 'NoSuchKey');
  if (wanted !== undefined && wanted !== kept!.headers['etag'])
    return refuse(412, 'PreconditionFailed');
  if (headers['if-none-match'] === '*' && kept !== undefined)
    return refuse(412, 'PreconditionFailed');
  objects.set(key, keep(body, tag(body), headers));
  return { status: 200, headers: { etag: tag(body) } };
}

function keep(bytes: Buffer, etag: string, sent: IncomingHttpHeaders): Kept {
  const headers = Object.entries(sent).filter(
    ([name]) => name.startsWith('x-amz-meta-') || name === 'x-amz-checksum-sha256',
  ) as [string, string][];
  return {
    bytes,
    headers: { ...Object.fromEntries(headers), etag, 'x-modified': new Date().toISOString() },
  };
}

function refuse(status: number, code: string): Answer {
  return { ...xml('Error', `<Code>${code}</Code><Message>${code}</Message>`), status };
}

function xml(name: string, inside: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><${name}>${inside}</${name}>`,
  };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function tag(bytes: Buffer): string {
  return `"${md5(bytes).toString('hex')}"`;
}

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
