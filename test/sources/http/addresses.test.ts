import { describe, expect, it } from 'vitest';
import {
  checkHost,
  makeGuardedLookup,
  isInside,
  type Reach,
} from '../../../sources/http/addresses.ts';

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
  'fec0::1',
  '192.0.0.1',
  '198.18.0.1',
  '198.19.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::ffff:10.0.0.1',
  '::ffff:7f00:1',
  '::10.0.0.1',
  '::ffff:0:192.168.0.1',
  '64:ff9b::10.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::8.8.8.8',
  '2002:7f00:1::',
  '2002:c0a8:1::1',
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
  '64:ff9b::1.1.1.1',
  '::ffff:1.1.1.1',
  '2002:101:101::1',
  '198.20.0.1',
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
  'fe80::1%eth0',
  'fd20:ce::254',
  '168.63.129.16',
  '::ffff:169.254.169.254',
  '64:ff9b::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
];

describe('an address', () => {
  it.each(INSIDE)('%s is this machine’s or of a private network', (address) => {
    expect(isInside(address)).toBe(true);
    expect(() => checkHost(address, 'any')).not.toThrow();
    expect(() => checkHost(`[${address}]`, 'public after redirect')).toThrow(
      'inside a private network: give the final URL',
    );
    expect(() => checkHost(address, 'public')).toThrow(
      'which this worker does not read: set RETRAIN_SOURCE_PRIVATE_ADDRESSES=allow',
    );
  });

  it.each(OUTSIDE)('%s is public', (address) => {
    expect(isInside(address)).toBe(false);
    for (const reach of ['public', 'public after redirect'] as const)
      expect(() => checkHost(address, reach)).not.toThrow();
  });

  it.each(CREDENTIALS)('%s is never read from', (address) => {
    for (const reach of ['any', 'public', 'public after redirect'] as const)
      expect(() => checkHost(address, reach)).toThrow('may hold credentials');
  });

  it('that is a name is looked up, and its address is checked', async () => {
    const lookUp = (reach: Reach): Promise<unknown> =>
      new Promise((resolve) =>
        makeGuardedLookup(reach)('localhost', { all: false }, (error, address) =>
          resolve(error ?? address),
        ),
      );
    expect(['127.0.0.1', '::1']).toContain(await lookUp('any'));
    for (const reach of ['public', 'public after redirect'] as const)
      expect(await lookUp(reach)).toMatchObject({ name: 'SourceRefused' });
    expect(() => checkHost('localhost', 'public')).not.toThrow();
  });
});
