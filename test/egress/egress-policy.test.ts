import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEgressPolicy, type EgressPolicyOptions } from '../../src/delivery/webhook/egress-policy.ts';

function policy(change: Partial<EgressPolicyOptions> = {}) {
  return createEgressPolicy({ allowLoopback: false, blockedCidrs: [], allowedHosts: [], ...change });
}

/** An IPv4 address as two groups of IPv6. */
function groups(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

function localNat64(ipv4: string, prefixBits: 48 | 56 | 64 | 96): string {
  const bytes = Array.from({ length: 16 }, () => 0);
  bytes.splice(0, 6, 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01);
  const places = { 48: [6, 7, 9, 10], 56: [7, 9, 10, 11], 64: [9, 10, 11, 12], 96: [12, 13, 14, 15] };
  for (const [i, octet] of ipv4.split('.').map(Number).entries()) {
    bytes[places[prefixBits][i] ?? 0] = octet;
  }
  return Array.from({ length: 8 }, (_, i) =>
    ((bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0)).toString(16),
  ).join(':');
}

/** Every way to write an IPv4 address as an IPv6 one that a network may turn back. */
function disguises(ipv4: string): readonly string[] {
  return [
    `::ffff:${ipv4}`,
    `::ffff:${groups(ipv4)}`,
    `::${groups(ipv4)}`,
    `::ffff:0:${groups(ipv4)}`,
    `64:ff9b::${groups(ipv4)}`,
    localNat64(ipv4, 48),
    localNat64(ipv4, 56),
    localNat64(ipv4, 64),
    localNat64(ipv4, 96),
    `2002:${groups(ipv4)}::1`,
  ];
}

const forbiddenIpv4 = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.51.100.1',
  '203.0.113.1',
  '127.0.0.1',
  '127.255.255.254',
];

const allowedIpv4 = [
  '8.8.8.8',
  '1.1.1.1',
  '10.0.0.1',
  '172.16.5.4',
  '192.168.1.1',
  '100.64.0.1',
  '169.253.9.9',
];

describe('always refused', () => {
  test.each([...forbiddenIpv4, '0.0.0.0', '0.1.2.3'])('%s', (address) => {
    expect(policy().refuseAddress(address)).toEqual(expect.any(String));
  });

  test.each(forbiddenIpv4)('%s in every disguise', (address) => {
    for (const disguise of disguises(address)) {
      expect(policy().refuseAddress(disguise), disguise).toEqual(expect.any(String));
    }
  });

  test.each([
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'febf:ffff::1',
    'fec0::1',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'ff02::1',
    '2001::1', // Teredo
    '2001:0:a9fe:a9fe::1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '4000::1',
    'e000::1',
    '5f00::1',
    '::ffff:0.0.0.0',
    '64:ff9b::',
    '64:ff9b:1::',
    '2002::1',
  ])('%s', (address) => {
    expect(policy().refuseAddress(address)).toEqual(expect.any(String));
  });

  test.each(['', 'example.com', '999.1.1.1', '1.2.3.4.5', 'fe80:::1', '10.0.0.0/8'])(
    '"%s", no address',
    (text) => {
      expect(policy().refuseAddress(text)).toBe('is no address');
    },
  );

  test('development changes loopback and nothing else', () => {
    const development = policy({ allowLoopback: true });
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) {
      expect(development.refuseAddress(address), address).toBeUndefined();
      expect(policy().refuseAddress(address), address).toMatch(/loopback/);
    }
    for (const address of ['169.254.169.254', '::ffff:169.254.169.254', '0.0.0.0', '::', 'fe80::1']) {
      expect(development.refuseAddress(address), address).toEqual(expect.any(String));
    }
  });
});

describe('allowed', () => {
  test.each(allowedIpv4)('%s, and what stands for it in IPv6', (address) => {
    expect(policy().refuseAddress(address)).toBeUndefined();
    for (const disguise of [
      `::ffff:${address}`,
      `64:ff9b::${groups(address)}`,
      `2002:${groups(address)}::1`,
    ]) {
      expect(policy().refuseAddress(disguise), disguise).toBeUndefined();
    }
  });

  test.each(['2606:4700:4700::1111', '2a00:1450::1', 'fc00::1', 'fd12:3456::1', '64:ff9b:1::808:808'])(
    '%s',
    (address) => {
      expect(policy().refuseAddress(address)).toBeUndefined();
    },
  );
});

test('for every link-local address: refused, in every disguise', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(octet, octet, (c, d) => {
      const address = `169.254.${c}.${d}`;
      for (const form of [address, ...disguises(address)]) {
        expect(policy().refuseAddress(form), form).toEqual(expect.any(String));
      }
    }),
  );
});

const hostOf = (url: string) => new URL(url).hostname;

describe('spellings, as WHATWG URLs understand them', () => {
  test.each([
    'http://169.254.169.254/',
    'http://169.254.169.254./',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://0xa9.0xfe.0xa9.0xfe/',
    'http://169.254.43518/',
    'http://169.16689662/',
    'http://①⑥⑨。254.169.254/',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[64:ff9b:1::169.254.169.254]/',
    'http://[2002:a9fe:a9fe::]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://0/',
    'http://[::]/',
    'http://127.1/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
  ])('%s is refused', (url) => {
    expect(policy().refuseHost(hostOf(url))).toEqual(expect.any(String));
  });

  test.each([
    'http://example.com/',
    'http://reservation-api/',
    'http://reservation-api.ns.svc.cluster.local/',
    'http://10.0.0.7:8080/',
    'http://[fd12::1]/',
  ])('%s is not', (url) => {
    expect(policy().refuseHost(hostOf(url))).toBeUndefined();
  });
});

describe('WEBHOOK_BLOCKED_CIDRS', () => {
  const blocking = policy({
    blockedCidrs: ['10.1.0.0/16', '8.8.8.8', 'fd12::/16', '127.0.0.2'],
    allowLoopback: true,
  });

  test.each([
    '10.1.0.0',
    '10.1.255.255',
    '8.8.8.8',
    '::ffff:10.1.2.3',
    '64:ff9b::a01:203',
    'fd12::1',
    '127.0.0.2',
  ])('%s is refused', (address) => {
    expect(blocking.refuseAddress(address)).toContain('WEBHOOK_BLOCKED_CIDRS');
  });

  test.each(['10.2.0.0', '8.8.8.9', 'fd13::1', '127.0.0.1'])('%s is not', (address) => {
    expect(blocking.refuseAddress(address)).toBeUndefined();
  });
});

describe('WEBHOOK_ALLOWED_HOSTS', () => {
  const listing = policy({
    allowedHosts: ['hooks.example.com', '*.svc.cluster.local', '10.0.0.7', 'fd12::1', '169.254.169.254'],
  });

  test.each([
    'hooks.example.com',
    'HOOKS.example.com',
    'hooks.example.com.',
    'a.svc.cluster.local',
    'a.b.svc.cluster.local',
    '10.0.0.7',
    '[fd12::1]',
  ])('%s is allowed', (host) => {
    expect(listing.refuseHost(host)).toBeUndefined();
  });

  test.each([
    'example.com',
    'a.hooks.example.com',
    'svc.cluster.local',
    '.svc.cluster.local',
    'evilsvc.cluster.local',
    '10.0.0.8',
    'localhost',
  ])('%s is not', (host) => {
    expect(listing.refuseHost(host)).toContain('WEBHOOK_ALLOWED_HOSTS');
  });

  test('does not lift what is always refused', () => {
    expect(listing.refuseHost('169.254.169.254')).toContain('link-local');
  });
});
