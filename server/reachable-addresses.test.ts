import { describe, expect, it } from 'vitest';
import { reachableAddresses } from './reachable-addresses.ts';

const interfaces = {
  lo: [
    { address: '127.0.0.1', family: 'IPv4', internal: true },
    { address: '::1', family: 'IPv6', internal: true },
  ],
  eth0: [
    { address: 'fd12::7', family: 'IPv6', internal: false },
    { address: 'fe80::1', family: 'IPv6', internal: false },
    { address: '192.168.1.5', family: 'IPv4', internal: false },
  ],
  down: undefined,
  wlan0: [{ address: '10.0.0.9', family: 'IPv4', internal: false }],
} as const;

describe('reachableAddresses', () => {
  it.each([
    ['127.0.0.1', ['http://127.0.0.1:7860']],
    ['localhost', ['http://localhost:7860']],
    ['192.168.1.5', ['http://192.168.1.5:7860']],
    ['::1', ['http://[::1]:7860']],
    ['fd12::7', ['http://[fd12::7]:7860']],
    ['0.0.0.0', ['http://127.0.0.1:7860', 'http://192.168.1.5:7860', 'http://10.0.0.9:7860']],
    ['::', ['http://127.0.0.1:7860', 'http://192.168.1.5:7860', 'http://10.0.0.9:7860', 'http://[fd12::7]:7860']],
    [
      '0:0:0:0:0:0:0:0',
      ['http://127.0.0.1:7860', 'http://192.168.1.5:7860', 'http://10.0.0.9:7860', 'http://[fd12::7]:7860'],
    ],
  ])('of %s are %j', (host, expected) => {
    expect(reachableAddresses(host, 7860, interfaces)).toEqual(expected);
  });

  it('are at least its own without a network', () => {
    expect(reachableAddresses('0.0.0.0', 1, {})).toEqual(['http://127.0.0.1:1']);
  });
});
