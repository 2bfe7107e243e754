import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What tightens or loosens the policy. */
export interface EgressPolicyOptions {
  /** Loopback is for development, where receivers run on the same machine. */
  readonly allowLoopback: boolean;
  /** Refused besides what always is; addresses with prefix lengths, as `parseCidr` takes them. */
  readonly blockedCidrs: readonly string[];
  /** Lower case; when not empty, only these hosts: names, `*.` and a name for all below it, or addresses. */
  readonly allowedHosts: readonly string[];
}

/** Decides where webhooks may go. Every answer is undefined, or says why not. */
export interface EgressPolicy {
  /** For an address that is about to be connected to; one that cannot be parsed is refused. */
  refuseAddress(address: string): string | undefined;
  /** For the host of a URL as WHATWG writes it (`url.hostname`): the list of hosts, and literal addresses. */
  refuseHost(hostname: string): string | undefined;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Cidr = readonly [Address, number];

/** Private ones are allowed: cluster services live there, in 100.64.0.0/10 as well (EKS). */
const allowedIpv4Ranges: ReadonlySet<string> = new Set(['unicast', 'private', 'carrierGradeNat']);
const allowedIpv6Ranges: ReadonlySet<string> = new Set(['unicast', 'uniqueLocal']);

/** Where clouds hand out credentials, outside of 169.254.0.0/16. */
const metadataCidrs = [
  '100.100.100.200/32', // Alibaba Cloud
  '168.63.129.16/32', // Azure
  'fd00:ec2::/32', // AWS: 254 metadata, 23 EKS Pod Identity
  'fd20:ce::254/128', // Google Cloud
  'fd00:c1::a9fe:a9fe/128', // Oracle Cloud
].map(parseCidr);

const ipv4Compatible = parseCidr('::/96');
const globalUnicast = parseCidr('2000::/3');
const uniqueLocal = parseCidr('fc00::/7');
const localNat64 = parseCidr('64:ff9b:1::/48');

/** Builds the policy; pure, and cheap enough for every connection. */
export function createEgressPolicy(options: EgressPolicyOptions): EgressPolicy {
  const blockedCidrs = options.blockedCidrs.map(parseCidr);

  function refuse(address: Address): string | undefined {
    if (blockedCidrs.some((cidr) => isIn(address, cidr))) {
      return 'is in WEBHOOK_BLOCKED_CIDRS';
    }
    if (metadataCidrs.some((cidr) => isIn(address, cidr))) {
      return 'is a metadata service of a cloud';
    }
    const range = address.range() as string;
    if (range === 'loopback') {
      return options.allowLoopback ? undefined : 'is loopback, which is for ENVIRONMENT=development';
    }
    if (isIpv4(address)) {
      return allowedIpv4Ranges.has(range) ? undefined : `is ${wordsFor(range)}`;
    }
    const embedded = embeddedIpv4(address, range);
    for (const ipv4 of embedded) {
      const reason = refuse(ipv4);
      if (reason !== undefined) {
        return `leads to ${ipv4.toString()}, which ${reason}`;
      }
    }
    if (embedded.length > 0) {
      return undefined;
    }
    // ipaddr.js calls unicast whatever it has no name for; most of IPv6 is not given to anybody.
    const isAssigned = isIn(address, globalUnicast) || isIn(address, uniqueLocal);
    return isAssigned && allowedIpv6Ranges.has(range) ? undefined : `is ${wordsFor(range)}`;
  }

  function refuseAddress(address: string): string | undefined {
    return ipaddr.isValid(address) ? refuse(ipaddr.parse(address)) : 'is no address';
  }

  return {
    refuseAddress,

    refuseHost(hostname) {
      const host = bareHost(hostname);
      if (options.allowedHosts.length > 0 && !options.allowedHosts.some((entry) => matches(host, entry))) {
        return 'is not in WEBHOOK_ALLOWED_HOSTS';
      }
      if (ipaddr.isValid(host)) {
        return refuseAddress(host);
      }
      // Reserved for loopback by RFC 6761, whatever a resolver says.
      const isLoopback = host === 'localhost' || host.endsWith('.localhost');
      return isLoopback ? refuseAddress('127.0.0.1') : undefined;
    },
  };
}

/**
 * The address and prefix length of `10.0.0.0/8`; a lone address stands for itself.
 *
 * @throws Error when it is neither.
 */
function parseCidr(text: string): Cidr {
  if (/^[^/]+$/.test(text)) {
    const address = ipaddr.parse(text);
    return [address, isIpv4(address) ? 32 : 128];
  }
  return ipaddr.parseCIDR(text);
}

/** What is wrong with an entry of WEBHOOK_BLOCKED_CIDRS. */
export function describeCidrProblem(entry: string): string | undefined {
  const [address = '', bits] = entry.split('/');
  // ipaddr.js takes 10/8 for 0.0.0.10/8, and octal and hexadecimal spellings.
  return isIP(address) !== 0 && (bits === undefined || ipaddr.isValidCIDR(entry))
    ? undefined
    : 'must be a list of networks such as 10.0.0.0/8 and addresses';
}

/** What is wrong with an entry of WEBHOOK_ALLOWED_HOSTS. */
export function describeHostProblem(entry: string): string | undefined {
  const host = entry.startsWith('*.') ? entry.slice(2) : entry;
  const url = URL.parse(`http://${isIP(host) === 6 ? `[${host}]` : host}/`);
  // What a URL writes differently (ports, paths, 0x7f.1, names in other alphabets) would never match.
  return url !== null && !host.includes('*') && bareHost(url.hostname) === host.toLowerCase()
    ? undefined
    : 'must be a list of host names, *. and a name, and addresses, as URLs write them and without ports';
}

function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$|\.$/g, '').toLowerCase();
}

function isIn(address: Address, [network, bits]: Cidr): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function isIpv4(address: Address): address is ipaddr.IPv4 {
  return address.kind() === 'ipv4';
}

/** `*.example.com` takes every name below example.com, and not example.com itself. */
function matches(host: string, entry: string): boolean {
  return entry.startsWith('*.')
    ? host.endsWith(entry.slice(1)) && host.length >= entry.length
    : host === entry;
}

/** The IPv4 addresses at which traffic to an IPv6 address may come out; none for an ordinary one. */
function embeddedIpv4(address: ipaddr.IPv6, range: string): readonly ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  const at = (...positions: readonly number[]) => new ipaddr.IPv4(positions.map((i) => bytes[i] ?? 0));
  const last = at(12, 13, 14, 15);
  if (isIn(address, localNat64)) {
    // RFC 6052, section 2.2: the prefix may have 48, 56, 64 or 96 bits, and only its owner knows. What
    // reads as 0.x is the wrong place to look at.
    const candidates = [at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12), last];
    const plausible = candidates.filter((candidate) => candidate.octets[0] !== 0);
    return plausible.length > 0 ? plausible : [last];
  }
  if (range === '6to4') {
    return [at(2, 3, 4, 5)];
  }
  const isInLastBytes = range === 'ipv4Mapped' || range === 'rfc6145' || range === 'rfc6052';
  const isCompatible = range !== 'unspecified' && isIn(address, ipv4Compatible);
  return isInLastBytes || isCompatible ? [last] : [];
}

function wordsFor(range: string): string {
  switch (range) {
    case 'linkLocal':
      return 'link-local';
    case 'unicast':
      return 'not assigned';
    case 'unspecified':
      return 'no address to call; use 127.0.0.1 or the address of the machine';
    default:
      return range;
  }
}
