import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A certificate and its private key, as files. */
export interface KeyFiles {
  cert: string;
  key: string;
}

/** Returns the paths of a stack's certificate. Its servers and their health checks recognise each other by it. */
export function listKeyFiles(dir: string): KeyFiles {
  return { cert: join(dir, 'keys', 'stack.crt'), key: join(dir, 'keys', 'stack.key') };
}

/** Makes the stack's certificate, unless it has one. Call it while holding the stack's lock. */
export function ensureCertificate(dir: string): void {
  const { cert, key } = listKeyFiles(dir);
  if (existsSync(cert) && existsSync(key)) return;
  mkdirSync(dirname(cert), { recursive: true, mode: 0o700 });
  const made = makeCertificate();
  for (const [file, text] of [
    [key, made.key],
    [cert, made.cert],
  ] as const) {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

/** A key that only the owner of the secret can derive. */
export function deriveKey(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(purpose).digest('base64');
}

/**
 * Makes a certificate for 127.0.0.1 that is its own authority (RFC 5280), as PEM texts. Node can sign one but has
 * no function that writes it.
 */
export function makeCertificate(now = new Date()): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(oid(ECDSA_WITH_SHA256));
  const name = sequence(encode(0x31, sequence(oid(COMMON_NAME), encode(0x0c, 'local stack'))));
  const until = new Date(now);
  until.setUTCFullYear(until.getUTCFullYear() + 100);
  const address = encode(0x87, Buffer.from([127, 0, 0, 1])); // iPAddress, in GeneralNames
  const extension = sequence(oid(SUBJECT_ALT_NAME), encode(0x04, sequence(address)));
  const body = sequence(
    encode(0xa0, encode(0x02, Buffer.from([2]))), // version 3
    encode(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])), // the serial number
    algorithm,
    name,
    sequence(encodeTime(new Date(now.getTime() - 86_400_000)), encodeTime(until)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    encode(0xa3, sequence(extension)),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]);
  const certificate = sequence(body, algorithm, encode(0x03, signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g)!;
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Object identifiers as bytes: 1.2.840.10045.4.3.2, 2.5.4.3, 2.5.29.17. */
const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

function oid(bytes: number[]): Buffer {
  return encode(0x06, Buffer.from(bytes));
}

function sequence(...parts: Buffer[]): Buffer {
  return encode(0x30, Buffer.concat(parts));
}

/** A time as GeneralizedTime: `20261129120000Z`. */
function encodeTime(time: Date): Buffer {
  return encode(0x18, time.toISOString().replaceAll(/[-:T]|\.\d+/g, ''));
}

/** A value in DER: its tag, its length and its bytes. */
function encode(tag: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const { length } = bytes;
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), bytes]);
}
