import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import {
  deriveKey,
  ensureCertificate,
  listKeyFiles,
  makeCertificate,
} from '../../infra/certificate.ts';
import { tempFolder } from './temp-folder.ts';

describe('the certificate of a stack', () => {
  it('is for 127.0.0.1, signed by its own key, and valid for a hundred years', () => {
    const { cert, key } = makeCertificate(new Date('2026-11-29T12:00:00Z'));
    const read = new X509Certificate(cert);
    expect(read.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(read.subject).toBe('CN=local stack');
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect([read.validFrom, read.validTo].map((time) => new Date(time).toISOString())).toEqual([
      '2026-11-28T12:00:00.000Z',
      '2126-11-29T12:00:00.000Z',
    ]);
    expect(makeCertificate().key).not.toBe(key);
  });

  it('lets those who have it call each other, and nobody else', async () => {
    const { cert, key } = makeCertificate();
    const server = createServer(
      { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true },
      (_, response) => response.end('in'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ask = (client: object): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, ca: cert, agent: false, ...client };
        request(options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await ask({ cert, key })).toBe(200);
    await expect(ask({})).rejects.toBeInstanceOf(Error);
    await expect(ask(makeCertificate())).rejects.toBeInstanceOf(Error);
    server.close();
  });

  it('is made once, for its owner alone', () => {
    const dir = tempFolder('stack');
    ensureCertificate(dir);
    const { cert, key } = listKeyFiles(dir);
    const made = readFileSync(key, 'utf8');
    ensureCertificate(dir);
    expect(readFileSync(key, 'utf8')).toBe(made);
    for (const file of [cert, key]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

it('a derived key needs the secret, and differs by its purpose', () => {
  expect(deriveKey('secret', 'a')).toBe(deriveKey('secret', 'a'));
  expect(deriveKey('secret', 'a')).not.toBe(deriveKey('secret', 'b'));
  expect(deriveKey('other', 'a')).not.toBe(deriveKey('secret', 'a'));
});
