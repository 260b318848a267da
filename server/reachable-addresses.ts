/** Addresses at which a listening server can be opened: `--host 0.0.0.0` is none that a browser takes. */
import { isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

type Interfaces = Readonly<
  Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'family' | 'internal'>[] | undefined>
>;

/** Of this link only: browsers take no zone (`%eth0`), without which it leads nowhere. */
const linkLocal = /^fe[89ab][0-9a-f]:/i;

/**
 * This machine's own address first, then those in the network, IPv4 before IPv6, each as `http://address:port`.
 * @param host as given to `listen`: an address, a name, `0.0.0.0` for all of IPv4 or `::` for all of both
 */
export function reachableAddresses(host: string, port: number, interfaces: Interfaces = networkInterfaces()): string[] {
  const families = familiesOf(host);
  if (families.length === 0) return [urlOf(host, port)];
  const found = Object.values(interfaces).flatMap(addresses => addresses ?? []);
  const outside = families.flatMap(family =>
    found.filter(({ family: own, internal }) => own === family && !internal).map(({ address }) => address),
  );
  return ['127.0.0.1', ...new Set(outside)]
    .filter(address => !linkLocal.test(address))
    .map(address => urlOf(address, port));
}

/** Whose addresses a wildcard stands for; none if `host` is no wildcard. */
function familiesOf(host: string): readonly ('IPv4' | 'IPv6')[] {
  if (host === '0.0.0.0') return ['IPv4'];
  return isIPv6(host) && /^[0:]+$/.test(host) ? ['IPv4', 'IPv6'] : [];
}

function urlOf(address: string, port: number): string {
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
