import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A call that a client of its own makes. */
export interface GrpcErrorCase {
  readonly name: string;
  readonly path: string;
  readonly kind: 'unary' | 'server_stream' | 'client_stream' | 'bidi_stream';
  /** In base64, as they are sent. */
  readonly messages: readonly string[];
  readonly compression?: 'gzip' | 'deflate';
  readonly deadlineMs: number;
}

/** What a client reads from its standard input. */
export interface GrpcErrorRequest {
  /** `host:port`. */
  readonly target: string;
  readonly cases: readonly GrpcErrorCase[];
}

/** How a call ended, as its client reports it. */
export interface GrpcEnd {
  readonly name: string;
  readonly code: number;
  readonly message: string;
}

/** A gRPC library that shares no code with the service. */
export interface GrpcErrorClient {
  readonly name: string;
  /** Why it cannot be had here, undefined when it can. */
  readonly missing: string | undefined;
  readonly command: string;
  readonly args: readonly string[];
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** Debian's interpreter first: packages of Debian are not in others. */
const python = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import grpc']).status === 0,
);
const go = ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(
  (command) => spawnSync(command, ['version']).status === 0,
);
const goSources = '/usr/share/gocode';

/** `@grpc/grpc-js`. */
export const grpcJs: GrpcErrorClient = {
  name: 'grpc-js',
  missing: undefined,
  command: process.execPath,
  args: [join(here, 'client.ts')],
};

/** gRPC's C core, which Python, C++, C#, PHP and Ruby share. */
export const cCore: GrpcErrorClient = {
  name: 'C core, by Python',
  missing: python === undefined ? "no grpc for Python: install Debian's python3-grpcio" : undefined,
  command: python ?? 'python3',
  args: [join(here, 'client.py')],
};

/** Why grpc-go cannot be compiled here, undefined when it can. */
export const missingGo =
  go === undefined || !existsSync(`${goSources}/src/google.golang.org/grpc`)
    ? "no Go or no grpc-go: install Debian's golang-go and golang-google-grpc-dev"
    : undefined;

/** grpc-go, compiled from Debian's sources, which takes minutes the first time on a busy machine. */
export async function buildGoClient(): Promise<GrpcErrorClient & { remove(): Promise<void> }> {
  const { binary, remove } = await buildGo(join(here, 'client.go'));
  return { name: 'grpc-go', missing: missingGo, command: binary, args: [], remove };
}

/** Compiles a program with grpc-go; where that is missing there is no program. */
export async function buildGo(source: string) {
  const folder = await mkdtemp(join(tmpdir(), 'grpc-go-client-'));
  const binary = join(folder, 'client');
  if (missingGo === undefined) {
    const env = { ...process.env, GO111MODULE: 'off', GOPATH: goSources };
    await promisify(execFile)(go ?? 'go', ['build', '-o', binary, source], { env });
  }
  return { binary, remove: async () => await rm(folder, { recursive: true }) };
}

/**
 * Has a client make the calls, one after the other.
 *
 * @param onMessage called when a call that streams gets a message, with the call's name.
 */
export async function runGrpcClient(
  { command, args }: GrpcErrorClient,
  request: GrpcErrorRequest,
  onMessage: (name: string) => void = () => undefined,
): Promise<readonly GrpcEnd[]> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ends: GrpcEnd[] = [];
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    const told = JSON.parse(line) as GrpcEnd | { readonly name: string; readonly event: string };
    if ('event' in told) {
      onMessage(told.name);
    } else {
      ends.push(told);
    }
  });
  child.stdin.end(JSON.stringify(request));
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      if (exitCode === 0) {
        resolve();
      } else {
        reject(new Error(`${command} ended with ${exitCode}: ${complaints}`));
      }
    });
  });
  return ends;
}
