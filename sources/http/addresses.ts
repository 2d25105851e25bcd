import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { SourceRefused } from '../../contract/failures.ts';

/** Where machines in a cloud read their credentials. No data set is there. */
const metadata = new BlockList();
metadata.addSubnet('169.254.0.0', 16, 'ipv4'); // link-local; AWS, Azure and Google among it
metadata.addSubnet('fe80::', 10, 'ipv6');
metadata.addAddress('fd00:ec2::254', 'ipv6');
metadata.addAddress('fd20:ce::254', 'ipv6'); // Google
metadata.addAddress('100.100.100.200', 'ipv4'); // Alibaba
metadata.addAddress('192.0.0.192', 'ipv4'); // Oracle
metadata.addAddress('168.63.129.16', 'ipv4'); // Azure
metadata.addSubnet('224.0.0.0', 4, 'ipv4'); // multicast
metadata.addSubnet('ff00::', 8, 'ipv6');

/** This machine, private networks, and addresses that no public host has (RFC 6890). */
const inside = new BlockList();
inside.addSubnet('0.0.0.0', 8, 'ipv4');
inside.addSubnet('10.0.0.0', 8, 'ipv4');
inside.addSubnet('100.64.0.0', 10, 'ipv4');
inside.addSubnet('127.0.0.0', 8, 'ipv4');
inside.addSubnet('172.16.0.0', 12, 'ipv4');
inside.addSubnet('192.0.0.0', 24, 'ipv4');
inside.addSubnet('192.168.0.0', 16, 'ipv4');
inside.addSubnet('198.18.0.0', 15, 'ipv4');
inside.addSubnet('240.0.0.0', 4, 'ipv4');
inside.addAddress('::', 'ipv6');
inside.addAddress('::1', 'ipv6');
inside.addSubnet('64:ff9b:1::', 48, 'ipv6'); // NAT64 of a private network
inside.addSubnet('fc00::', 7, 'ipv6');
inside.addSubnet('fec0::', 10, 'ipv6');

/**
 * Prefixes of IPv6 addresses that lead to the IPv4 address in them, as groups of 16 bits: NAT64, 6to4, and
 * addresses that are compatible with IPv4 or translated from it.
 */
const EMBEDDING: [prefix: number[], at: number][] = [
  [[0x64, 0xff9b, 0, 0, 0, 0], 6],
  [[0x2002], 1],
  [[0, 0, 0, 0, 0, 0], 6],
  [[0, 0, 0, 0, 0xffff, 0], 6],
];

function isIn(list: BlockList, address: string): boolean {
  const plain = address.replace(/%.*$/, ''); // without the zone
  if (!isIPv6(plain)) return list.check(plain, 'ipv4');
  if (list.check(plain, 'ipv6')) return true;
  const embedded = findEmbedded(plain);
  return embedded !== undefined && list.check(embedded, 'ipv4');
}

/** The IPv4 address that an IPv6 address leads to; undefined where there is none. */
function findEmbedded(address: string): string | undefined {
  const groups = listGroups(address);
  const [, at] =
    EMBEDDING.find(([prefix]) => prefix.every((group, i) => groups[i] === group)) ?? [];
  if (at === undefined) return undefined;
  const [high, low] = [groups[at]!, groups[at + 1]!];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address. A URL writes it without dots. */
function listGroups(address: string): number[] {
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [start = [], end = []] = short
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - start.length - end.length }, () => '0');
  return [...start, ...zeros, ...end].map((group) => parseInt(group, 16));
}

/** Whether an address belongs to this machine or to a private network. */
export function isInside(address: string): boolean {
  return isIn(inside, address);
}

/**
 * The addresses that a request may reach: any, or only public ones, because of the setting or after a redirect by a
 * public server. No request may reach the addresses from which clouds serve credentials.
 */
export type Reach = 'any' | 'public' | 'public after redirect';

/**
 * Looks a host up as Node does, and refuses addresses that must not be reached. The address that is checked is
 * the one that is connected to, so a name cannot resolve to another address afterwards.
 */
export function makeGuardedLookup(reach: Reach): LookupFunction {
  return (host, how, callback) => {
    lookup(host, { ...how, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const bad = refused(host, addresses, reach);
      if (bad !== undefined) return callback(bad, '', 0);
      if (how.all === true) return callback(null, addresses);
      const [first] = addresses;
      return callback(null, first?.address ?? '', first?.family);
    });
  };
}

/**
 * Checks a host that is an address itself, for which nothing is looked up.
 * @throws SourceRefused when it must not be reached
 */
export function checkHost(host: string, reach: Reach): void {
  const address = host.replace(/^\[|\]$/g, '');
  if (isIP(address) === 0) return;
  const bad = refused(host, [{ address, family: isIP(address) }], reach);
  if (bad !== undefined) throw bad;
}

function refused(
  host: string,
  addresses: readonly LookupAddress[],
  reach: Reach,
): SourceRefused | undefined {
  for (const { address } of addresses) {
    if (isIn(metadata, address))
      return new SourceRefused(
        `data.source leads to ${host} (${address}), an address that holds no data sets but may hold credentials: give the URL of a file`,
      );
    if (reach === 'any' || !isInside(address)) continue;
    return new SourceRefused(
      reach === 'public'
        ? `data.source leads to ${host} (${address}), an address of this machine or of a private network, which this worker does not read: set RETRAIN_SOURCE_PRIVATE_ADDRESSES=allow in its environment if runs may read there`
        : `data.source is on a public server that redirects to ${host} (${address}) inside a private network: give the final URL`,
    );
  }
  return undefined;
}
