import { lookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { SourceRefused } from '../../contract/failures.ts';

/** Where machines in a cloud read their credentials. No data set is there. */
const metadata = new BlockList();
metadata.addSubnet('169.254.0.0', 16, 'ipv4'); // link-local; AWS, Azure and Google among it
metadata.addSubnet('fe80::', 10, 'ipv6');
metadata.addAddress('fd00:ec2::254', 'ipv6');
metadata.addAddress('100.100.100.200', 'ipv4'); // Alibaba
metadata.addAddress('192.0.0.192', 'ipv4'); // Oracle
metadata.addSubnet('224.0.0.0', 4, 'ipv4'); // multicast
metadata.addSubnet('ff00::', 8, 'ipv6');

/** This machine and private networks. */
const inside = new BlockList();
inside.addSubnet('0.0.0.0', 8, 'ipv4');
inside.addSubnet('10.0.0.0', 8, 'ipv4');
inside.addSubnet('100.64.0.0', 10, 'ipv4');
inside.addSubnet('127.0.0.0', 8, 'ipv4');
inside.addSubnet('172.16.0.0', 12, 'ipv4');
inside.addSubnet('192.168.0.0', 16, 'ipv4');
inside.addAddress('::', 'ipv6');
inside.addAddress('::1', 'ipv6');
inside.addSubnet('fc00::', 7, 'ipv6');

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Whether an address belongs to this machine or to a private network. */
export function isInside(address: string): boolean {
  return isIn(inside, address);
}

/**
 * Looks a host up as Node does, and refuses addresses that must not be reached. The address that is checked is
 * the one that is connected to, so a name cannot resolve to another address afterwards.
 * @param options.outside whether this machine and private networks are refused too: what a public server
 *   redirects to must be public
 */
export function guardedLookup(options: { outside: boolean }): LookupFunction {
  return (host, how, callback) => {
    lookup(host, { ...how, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const bad = refused(host, addresses, options);
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
export function checkHost(host: string, options: { outside: boolean }): void {
  const address = host.replace(/^\[|\]$/g, '');
  if (isIP(address) === 0) return;
  const bad = refused(host, [{ address, family: isIP(address) }], options);
  if (bad !== undefined) throw bad;
}

function refused(
  host: string,
  addresses: readonly LookupAddress[],
  { outside }: { outside: boolean },
): SourceRefused | undefined {
  for (const { address } of addresses) {
    if (isIn(metadata, address))
      return new SourceRefused(
        `data.source leads to ${host} (${address}), an address that holds no data sets but may hold credentials: give the URL of a file`,
      );
    if (outside && isIn(inside, address))
      return new SourceRefused(
        `data.source is on a public server that redirects to ${host} (${address}) inside a private network: give the final URL`,
      );
  }
  return undefined;
}
