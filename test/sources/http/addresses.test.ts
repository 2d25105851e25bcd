import { describe, expect, it } from 'vitest';
import { checkHost, guardedLookup, isInside } from '../../../sources/http/addresses.ts';

const INSIDE = [
  '0.0.0.0',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.8.8.8',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.168.255.255',
  '::',
  '::1',
  'fc00::1',
  'fdff::1',
];
const OUTSIDE = [
  '9.255.255.255',
  '11.0.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '126.255.255.255',
  '128.0.0.1',
  '172.15.255.255',
  '172.32.0.1',
  '192.167.255.255',
  '192.169.0.1',
  '1.1.1.1',
  '2606:4700::1111',
  'fbff::1',
];
/** Where machines in a cloud read their credentials, and what no host has. */
const CREDENTIALS = [
  '169.254.169.254',
  '169.254.170.2',
  'fe80::1',
  'fd00:ec2::254',
  '100.100.100.200',
  '192.0.0.192',
  '224.0.0.1',
  'ff02::1',
];

describe('an address', () => {
  it.each(INSIDE)('%s is this machine’s or of a private network', (address) => {
    expect(isInside(address)).toBe(true);
    expect(() => checkHost(address, { outside: false })).not.toThrow();
    expect(() => checkHost(`[${address}]`, { outside: true })).toThrow('inside a private network');
  });

  it.each(OUTSIDE)('%s is public', (address) => {
    expect(isInside(address)).toBe(false);
    expect(() => checkHost(address, { outside: true })).not.toThrow();
  });

  it.each(CREDENTIALS)('%s is never read from', (address) => {
    for (const outside of [true, false])
      expect(() => checkHost(address, { outside })).toThrow('may hold credentials');
  });

  it('that is a name is looked up, and its address is checked', async () => {
    const lookUp = (outside: boolean): Promise<unknown> =>
      new Promise((resolve) =>
        guardedLookup({ outside })('localhost', { all: false }, (error, address) =>
          resolve(error ?? address),
        ),
      );
    expect(['127.0.0.1', '::1']).toContain(await lookUp(false));
    expect(await lookUp(true)).toMatchObject({
      name: 'SourceRefused',
      message: expect.stringContaining('inside a private network'),
    });
    expect(() => checkHost('localhost', { outside: true })).not.toThrow();
  });
});
