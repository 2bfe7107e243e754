import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { skippingInterim } from '../../base/skip-interim.ts';
import type { EgressPolicy } from './egress-policy.ts';

/** All addresses of a name, in the order in which they should be tried; rejects when there are none. */
export type ResolveName = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** An address that a name resolved to. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

type LookupCallback = Parameters<LookupFunction>[2];

/** A connection that the egress policy forbids: no packet has left. */
export class EgressRefusedError extends Error {
  readonly code = 'EGRESS_REFUSED';

  constructor(target: string, reason: string) {
    super(`${target} ${reason}`);
    this.name = 'EgressRefusedError';
  }
}

/** What the operating system resolves, hosts file and search domains of a cluster included. */
export const resolveWithSystem: ResolveName = (hostname) => systemLookup(hostname, { all: true });

/**
 * Opens connections that `policy` allows. A name is resolved once per connection, and the addresses
 * that were checked are the ones connected to, so what the name resolves to before or after does not
 * matter. One forbidden address among several refuses the name, since the connection could go to any of them.
 */
export function createWebhookConnector(options: {
  readonly policy: EgressPolicy;
  /** Longest time for a connection to be set up, resolving included, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly resolve: ResolveName;
}): buildConnector.connector {
  const { policy } = options;
  /**
   * The system resolves in few threads (main.ts says how many): a name whose servers are silent may hold one of them, not
   * one for each of its connections.
   */
  const resolving = new Map<string, Promise<readonly ResolvedAddress[]>>();

  function resolveOnce(hostname: string): Promise<readonly ResolvedAddress[]> {
    let resolution = resolving.get(hostname);
    if (resolution === undefined) {
      resolution = options.resolve(hostname).finally(() => resolving.delete(hostname));
      resolving.set(hostname, resolution);
    }
    return resolution;
  }

  async function resolveAllowed(hostname: string): Promise<readonly ResolvedAddress[]> {
    const addresses = await resolveOnce(hostname);
    for (const { address } of addresses) {
      const reason = policy.refuseAddress(address);
      if (reason !== undefined) {
        throw new EgressRefusedError(`${hostname} resolves to ${address}, which`, reason);
      }
    }
    return addresses;
  }

  async function answer(hostname: string, all: boolean, callback: LookupCallback): Promise<void> {
    try {
      const addresses = await resolveAllowed(hostname);
      const [first] = addresses;
      if (first === undefined) {
        throw Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
      }
      if (all) {
        callback(null, [...addresses]);
      } else {
        callback(null, first.address, first.family);
      }
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), '');
    }
  }

  const connectDirectly = buildConnector({
    timeout: options.connectTimeoutMs,
    // One request at a time leaves nothing to multiplex, and one protocol is one set of failures.
    allowH2: false,
    autoSelectFamily: true,
    lookup: (hostname, { all }, callback) => void answer(hostname, all === true, callback),
  });

  const connect = skippingInterim(connectDirectly);
  return (target, callback) => {
    // Literal addresses are never looked up.
    const reason = policy.refuseHost(target.hostname);
    if (reason !== undefined) {
      callback(new EgressRefusedError(target.hostname, reason), null);
      return;
    }
    connect(target, callback);
  };
}
