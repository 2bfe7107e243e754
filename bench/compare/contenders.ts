import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../lib/child.ts';
import type { ServerCommand } from '../lib/server-process.ts';

/** A server that takes creates. */
export interface Contender {
  readonly name: string;
  readonly command: Omit<ServerCommand, 'logFile'>;
  readonly protocol: 'gRPC' | 'JSON';
}

/** The service itself; what the ratios divide. */
export const service = 'Payment Sim';
/** Whose best the paced calls are half of. */
export const bareHttp2 = 'bare node:http2';
export const grpcGo = 'grpc-go';
/** With one thread for its own code, as Node has. */
export const grpcGoOneThread = 'grpc-go, GOMAXPROCS=1';

const node = (script: string) => ({ args: [script] });

const inNode: readonly Contender[] = [
  { name: service, command: node('src/main.ts'), protocol: 'gRPC' },
  { name: bareHttp2, command: node('bench/contenders/bare-http2.ts'), protocol: 'gRPC' },
  { name: '@grpc/grpc-js', command: node('bench/contenders/grpc-js.ts'), protocol: 'gRPC' },
  { name: 'stock connect-fastify', command: node('bench/contenders/connect-fastify.ts'), protocol: 'gRPC' },
  { name: service, command: node('src/main.ts'), protocol: 'JSON' },
  { name: 'bare Fastify route', command: node('bench/contenders/fastify-json.ts'), protocol: 'JSON' },
];

/**
 * All that can run here.
 *
 * @param folder where the program in Go is built.
 */
export function findContenders(folder: string): readonly Contender[] {
  const program = buildGrpcGo(folder);
  if (program === undefined) {
    return inNode;
  }
  const inGo: readonly Contender[] = [
    { name: grpcGo, command: { program, args: [] }, protocol: 'gRPC' },
    {
      name: grpcGoOneThread,
      command: { program, args: [], env: { GOMAXPROCS: '1' } },
      protocol: 'gRPC',
    },
  ];
  return [...inNode, ...inGo];
}

/** Undefined, and says so, where there is no Go. @throws when it does not compile. */
function buildGrpcGo(folder: string): string | undefined {
  const go = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(
    (command) => spawnSync(command, ['version']).status === 0,
  );
  if (go === undefined) {
    console.error(`${grpcGo} is not measured: there is no Go (https://go.dev/dl)`);
    return undefined;
  }
  const program = join(folder, 'grpc-go');
  execFileSync(go, ['build', '-o', program, '.'], {
    cwd: join(root, 'bench/contenders/grpc-go'),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return program;
}
