import type { Profiler } from 'node:inspector';

/** Self time of something, in samples. */
export type Samples = ReadonlyMap<string, number>;

interface Rule {
  readonly part: string;
  /** Matched with `url function`, where the url is without the folder of the checkout. */
  readonly pattern: RegExp;
}

/** What V8 calls what is none of a function's. The first is the event loop, its system calls and nghttp2. */
const v8Parts: ReadonlyMap<string, string> = new Map([
  ['(program)', 'native code and system calls outside JavaScript (program)'],
  ['(garbage collector)', 'garbage collector'],
]);
const idle = '(idle)';
const other = 'other';

/** The first that matches; a function with none, such as a native one, counts with its caller. */
const rules: readonly Rule[] = [
  { part: 'protobuf (@bufbuild)', pattern: /@bufbuild\/|\/gen\// },
  {
    part: 'headers',
    pattern:
      /internal\/http2\/util|lane\/plain-head|(?:header-conversion|call-headers|grpc-status)\.ts|_http_outgoing|writeHead|matchKnownFields|_addHeaderLine/,
  },
  { part: 'HTTP/2 session and streams', pattern: /node:internal\/http2|src\/server\/http2\// },
  { part: 'HTTP/1.1 (node:_http)', pattern: /node:_http|node:internal\/http/ },
  { part: 'socket', pattern: /node:net|internal\/stream_base_commons|server\/port\// },
  {
    part: 'timers',
    pattern: /internal\/timers|node:timers|state\/memory\/(?:\w+-)?due-times|paced-settling/,
  },
  { part: "Node's streams and events", pattern: /internal\/streams|node:events|node:stream/ },
  { part: 'turns of the event loop (ticks, promises)', pattern: /node:internal\/(?:process|async_hooks)/ },
  { part: 'metrics', pattern: /prom-client|observability\/(?:call-metrics|metrics|series|delivery-counts)/ },
  { part: 'log', pattern: /\/pino|observability\/(?:settlement-log|logger)|src\/process\/|node:fs/ },
  { part: 'delivery', pattern: /src\/delivery\/|webhook-format/ },
  { part: 'interceptors, observers', pattern: /server\/call-|src\/observability\/|base\/observer/ },
  { part: 'lane (src/server)', pattern: /src\/server\/|@connectrpc/ },
  { part: 'reading and answering (src/contracts)', pattern: /src\/contracts\// },
  { part: 'ids', pattern: /base\/ids|node:internal\/crypto/ },
  {
    part: 'domain (src/payment, state, simulator)',
    pattern: /src\/(?:payment|state|simulator|app|base)\//,
  },
];

/** The samples of each part, and of each function with its url and line. Time without work is left out. */
export function samplesOf({ nodes, samples = [] }: Profiler.Profile): {
  readonly byPart: Samples;
  readonly byFunction: Samples;
} {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const partById = new Map<number, string>();
  const [root] = nodes;
  const remaining = root === undefined ? [] : [{ node: root, callers: other }];
  for (let next = remaining.pop(); next !== undefined; next = remaining.pop()) {
    const part = partOf(next.node.callFrame) ?? next.callers;
    partById.set(next.node.id, part);
    for (const id of next.node.children ?? []) {
      const node = byId.get(id);
      if (node !== undefined) {
        remaining.push({ node, callers: part });
      }
    }
  }
  const byPart = new Map<string, number>();
  const byFunction = new Map<string, number>();
  for (const id of samples) {
    const frame = byId.get(id)?.callFrame;
    if (frame !== undefined && frame.functionName !== idle) {
      count(byPart, partById.get(id) ?? other);
      count(byFunction, nameOf(frame));
    }
  }
  return { byPart, byFunction };
}

function count(samples: Map<string, number>, key: string): void {
  samples.set(key, (samples.get(key) ?? 0) + 1);
}

function partOf({ functionName, url }: Profiler.Profile['nodes'][number]['callFrame']): string | undefined {
  const ofV8 = v8Parts.get(functionName);
  if (ofV8 !== undefined || url === '') {
    return ofV8;
  }
  const text = `${url} ${functionName}`;
  return rules.find(({ pattern }) => pattern.test(text))?.part;
}

function nameOf({ functionName, url, lineNumber }: Profiler.Profile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${url.replace(/^.*\/(?=src\/|node_modules\/)/, '')}:${lineNumber + 1}`;
}
