import type { IRedisClient } from 'bullmq';
import type { SteeringChange, SteeringDocument } from '../../simulator/ports.ts';
import { createLoopBatch } from './loop-batch.ts';
import type { RedisClient } from './redis-clients.ts';
import { steeringKeys } from './redis-keys.ts';
import type { RedisLink } from './redis-link.ts';
import { runScript } from './redis-scripts.ts';

/** What the documents work with. */
interface SteeringDocumentsDeps {
  readonly client: RedisClient;
  readonly commands: IRedisClient;
  readonly link: RedisLink;
  /** So many changes are remembered; a replica that has missed more reads all documents. */
  readonly maxChanges: number;
}

/** What testers have set, in Redis, and what of it this process was told. */
export interface SteeringDocuments {
  /** See `SteeringStore`; so the next ones. */
  onChange(apply: (change: SteeringChange) => void): void;
  refresh(): Promise<void>;
  put(documents: ReadonlyMap<string, SteeringDocument>): Promise<void>;
  remove(keys: readonly string[]): Promise<void>;
}

interface State extends SteeringDocumentsDeps {
  apply: (change: SteeringChange) => void;
  /** Of every document that this process was told of: the epoch at which it was put. */
  readonly orders: Map<string, number>;
  /** This process was told of all changes up to this one. In digits, as Redis has it. */
  epoch: string;
  /** Asks for everything up to an epoch, in a command that is sent after the call. */
  readonly catchUp: (epoch: string) => Promise<void>;
}

/** Of `paymentSimSteering`. */
type Answer = readonly [epoch: string, isAll: 0 | 1, count: number, found: readonly (string | null)[]];

/** Without any change. */
const noEpoch = '0';
/** Of somebody who has to be told of everything. */
const beforeAll = '-1';

/** See `SteeringDocuments`. */
export function createSteeringDocuments(deps: SteeringDocumentsDeps): SteeringDocuments {
  const { client, link } = deps;
  // One at a time, as each begins where the last one has ended.
  const catchUp = createLoopBatch<string, void>({
    maxSize: Infinity,
    maxInFlight: 1,
    run: (_shard, epochs) => readChanges(self, epochs),
  });
  const self: State = {
    ...deps,
    apply: () => undefined,
    orders: new Map(),
    epoch: noEpoch,
    catchUp: (epoch) => catchUp(0, epoch),
  };
  // As many as come: whoever joined one under way might miss what was written after it was answered.
  const look = createLoopBatch<undefined, string>({
    maxSize: Infinity,
    maxInFlight: Infinity,
    async run(_shard, callers) {
      const epoch = (await link.run(() => client.get(steeringKeys.epoch))) ?? noEpoch;
      return callers.map(() => epoch);
    },
  });
  return {
    onChange: (apply) => void (self.apply = apply),
    refresh: async () => reach(self, await look(0, undefined)),
    put: (documents) => put(self, documents),
    remove: (keys) => remove(self, keys),
  };
}

async function reach(self: State, epoch: string): Promise<void> {
  if (epoch !== self.epoch) {
    await self.catchUp(epoch);
  }
}

async function put(self: State, documents: ReadonlyMap<string, SteeringDocument>): Promise<void> {
  if (documents.size === 0) {
    return;
  }
  const { epoch, changes, documents: all, used } = steeringKeys;
  const values = [...documents].flatMap(([key, document]) => [key, JSON.stringify(document)]);
  // With the document: were it later, another process could take the session for one that nobody uses.
  const sessions = [...documents.values()].flatMap(({ kind, sessionId }) =>
    kind === 'reset' ? [] : [sessionId],
  );
  await write(
    self,
    'paymentSimSteer',
    [epoch, changes, all, used],
    [documents.size, ...values, ...new Set(sessions)],
  );
}

async function remove(self: State, keys: readonly string[]): Promise<void> {
  if (keys.length > 0) {
    const { epoch, changes, documents } = steeringKeys;
    await write(self, 'paymentSimUnsteer', [epoch, changes, documents], keys);
  }
}

async function write(
  self: State,
  name: 'paymentSimSteer' | 'paymentSimUnsteer',
  keys: readonly string[],
  values: readonly (string | number)[],
): Promise<void> {
  const { link, commands, maxChanges } = self;
  await reach(self, await link.run(() => runScript<string>(commands, name, keys, [maxChanges, ...values])));
}

/** For all who wait for one of these epochs. */
async function readChanges(self: State, epochs: readonly string[]): Promise<void[]> {
  if (epochs.some((epoch) => epoch !== self.epoch)) {
    const isWhole = takeOver(self, await read(self, self.epoch));
    // A Redis that took over from another one may lack the last documents, and have others since.
    if (!isWhole) {
      takeOver(self, await read(self, beforeAll));
    }
  }
  return epochs.map(() => undefined);
}

function read({ link, commands }: State, after: string): Promise<Answer> {
  const { epoch, changes, documents } = steeringKeys;
  return link.run(() => runScript(commands, 'paymentSimSteering', [epoch, changes, documents], [after]));
}

/** Tells of what has changed. False when this process does not have as many documents as Redis afterwards. */
function takeOver(self: State, [epoch, isAll, count, found]: Answer): boolean {
  const stored = new Map<string, string | null>();
  for (let i = 0; i < found.length; i += 2) {
    stored.set(found[i] ?? '', found[i + 1] ?? null);
  }
  if (isAll === 1) {
    for (const key of [...self.orders.keys()].filter((known) => !stored.has(known))) {
      stored.set(key, null);
    }
  }
  const changes = [...stored].map(([key, value]) =>
    value === null ? { key, document: undefined, order: Number(epoch) } : decode(key, value),
  );
  for (const change of changes.toSorted((a, b) => a.order - b.order)) {
    tell(self, change);
  }
  self.epoch = epoch;
  return self.orders.size === count;
}

/** As `paymentSimSteer` stores it: order, a blank and the document. */
function decode(key: string, value: string): SteeringChange {
  const end = value.indexOf(' ');
  const document: SteeringDocument = JSON.parse(value.slice(end + 1));
  return { key, document, order: Number(value.slice(0, end)) };
}

function tell({ orders, apply }: State, change: SteeringChange): void {
  const { key, document, order } = change;
  const known = orders.get(key);
  if (known === order || (known === undefined && document === undefined)) {
    return;
  }
  if (document === undefined) {
    orders.delete(key);
  } else {
    orders.set(key, order);
  }
  // A rule was removed and made anew: as elsewhere, it is the newest of its session then.
  if (known !== undefined && document?.kind === 'rule') {
    apply({ key, document: undefined, order });
  }
  apply(change);
}
