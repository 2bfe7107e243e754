import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { goTools } from '../../conformance/tools.ts';

/* Which clients the tests have, for the table in docs/clients.md. */

/** One client in one version. */
export interface ClientRow {
  readonly client: string;
  /** Read from where it is pinned, or asked of the program. */
  readonly version: () => string;
  /** The end of the path of the tests, and which of them: a part of their full names. */
  readonly tests: readonly [file: string, name?: string];
  readonly tested: string;
}

const folder = new URL('../', import.meta.url);

/** The first group of the pattern in a file. @throws Error when it is not there. */
function pinned(file: string, pattern: RegExp): string {
  const version = pattern.exec(readFileSync(new URL(file, folder), 'utf8'))?.[1];
  if (version === undefined) {
    throw new Error(`${file} pins no version that ${pattern} finds`);
  }
  return version;
}

function npm(name: string): string {
  return pinned('../../package.json', new RegExp(`"${name}": "([\\d.]+)"`));
}

/** The version that a program of this machine tells; "not here" where there is none. */
function installed(command: string, ...args: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return error === undefined ? (/\d+\.\d[\d.]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown') : 'not here';
}

function go(tool: keyof typeof goTools): string {
  return goTools[tool][1].replace(/^v|\+.*/g, '');
}

const chromium = () => `Chromium ${installed('chromium', '--version')}`;

const everything =
  'both outcomes, details of refusals, UNIMPLEMENTED, deadline and cancel, gzip, keepalive, restart, SIGTERM in flight, health, reflection, both contracts';
const pages = 'both outcomes, details of refusals, UNIMPLEMENTED, deadline, a page of another origin';

export const clientRows: readonly ClientRow[] = [
  {
    client: 'grpc-go',
    version: () => pinned('go/go.mod', /google\.golang\.org\/grpc v(\S+)/),
    tests: ['clients/go.conformance.ts'],
    tested: `${everything}; client-side health checks with round_robin, wait-for-ready`,
  },
  {
    client: 'grpc-kotlin',
    version: () =>
      `${pinned('kotlin/pom.xml', /<grpc\.kotlin\.version>(.*?)</)} on grpc-java ${pinned('kotlin/pom.xml', /<grpc\.version>(.*?)</)}`,
    tests: ['clients/kotlin.conformance.ts'],
    tested: `${everything}; client-side health checks with round_robin, wait-for-ready`,
  },
  {
    client: 'grpcio (Python, C-core)',
    version: () => pinned('python/requirements.txt', /grpcio==(\S+)/),
    tests: ['clients/python.conformance.ts'],
    tested: `${everything}; wait-for-ready`,
  },
  {
    client: 'tonic (Rust)',
    version: () => pinned('rust/Cargo.toml', /tonic = \{ version = "=(.*?)"/),
    tests: ['clients/rust.conformance.ts'],
    tested: `${everything}; two replicas of which one stops`,
  },
  {
    client: '@grpc/grpc-js (Node)',
    version: () => npm('@grpc/grpc-js'),
    tests: ['reflection/clients.test.ts'],
    tested: 'a payment by a contract learnt by reflection; elsewhere in `npm test` all the rest',
  },
  {
    client: '@grpc/grpc-js behind nginx',
    version: () => `${npm('@grpc/grpc-js')}, nginx ${installed('nginx', '-v')}`,
    tests: ['clients/nginx.conformance.ts'],
    tested:
      'both outcomes, details of refusals, UNIMPLEMENTED, deadline, bodies to 3 MB, keepalive, reload, restart',
  },
  {
    client: '@connectrpc/connect-web, Connect',
    version: () => `${npm('@connectrpc/connect-web')}, ${chromium()}`,
    tests: ['browser/clients.test.ts', 'with connect-web, Connect'],
    tested: pages,
  },
  {
    client: '@connectrpc/connect-web, gRPC-Web',
    version: () => `${npm('@connectrpc/connect-web')}, ${chromium()}`,
    tests: ['browser/clients.test.ts', 'with connect-web, gRPC-Web'],
    tested: pages,
  },
  {
    client: 'grpc-web of Google, binary',
    version: () => `${npm('grpc-web')}, ${chromium()}`,
    tests: ['browser/clients.test.ts', 'grpc-web'],
    tested: `${pages}; that the text format says what to use`,
  },
  {
    client: 'curl',
    version: () => installed('curl', '--version'),
    tests: ['docs/clients.test.ts', 'shell lines'],
    tested: 'the lines below',
  },
  {
    client: 'buf curl',
    version: () => npm('@bufbuild/buf'),
    tests: ['docs/clients.test.ts', 'shell lines'],
    tested: 'the lines below: gRPC, gRPC-Web and Connect, by reflection and by files',
  },
  {
    client: 'grpcurl',
    version: () => go('grpcurl'),
    tests: ['conformance/call-tools.conformance.ts', 'grpcurl'],
    tested: 'the lines below',
  },
  {
    client: 'ghz',
    version: () => go('ghz'),
    tests: ['conformance/call-tools.conformance.ts', ') > ghz'],
    tested: 'the line below: 10,000 calls, 50 connections',
  },
  {
    client: 'ghz',
    version: () => go('older ghz'),
    tests: ['conformance/call-tools.conformance.ts', 'older ghz'],
    tested: 'the same',
  },
  {
    client: 'Connect conformance suite (connect-go)',
    version: () => go('connectconformance'),
    tests: ['conformance/connect.conformance.ts'],
    tested:
      'gRPC, gRPC-Web and Connect over both versions of HTTP, but for [what is known to fail](../test/conformance/known-failing.txt)',
  },
  {
    client: 'h2spec',
    version: () => go('h2spec'),
    tests: ['conformance/h2spec.conformance.ts'],
    tested:
      'HTTP/2 and HPACK, strict too: nothing fails that `node:http2` alone does not, but for one choice',
  },
  {
    client: 'moto, as EventBridge and SQS',
    version: () => pinned('../stand-ins/requirements.txt', /moto\S*==(\S+)/),
    tests: ['stand-ins/moto.conformance.ts'],
    tested: '500 payments, 500 calls of the worker; `aws-check`',
  },
  {
    client: 'ElasticMQ, as SQS',
    version: () =>
      pinned('../stand-ins/elasticmq/pom.xml', /elasticmq-server_3<\/artifactId>\s*<version>(.*?)</),
    tests: ['stand-ins/elasticmq.conformance.ts'],
    tested: 'the worker: poison, redrive, SIGKILL, SIGTERM',
  },
];

export const page = fileURLToPath(new URL('../../docs/clients.md', folder));

/** What the table stands between. */
export const marks = ['<!-- by npm run generate:clients -->', '<!-- until here -->'] as const;
