import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

/* Tools in Go, of pinned versions, kept between runs. */

const folder = join(homedir(), '.cache/payment-sim/tools');

/** Which tools, as `go install` takes them. */
export const goTools = {
  connectconformance: ['connectrpc.com/conformance/cmd/connectconformance', 'v1.0.7'],
  h2spec: ['github.com/summerwind/h2spec/cmd/h2spec', 'v2.2.1+incompatible'],
  grpcurl: ['github.com/fullstorydev/grpcurl/cmd/grpcurl', 'v1.9.4'],
  ghz: ['github.com/bojand/ghz/cmd/ghz', 'v0.120.0'],
  // As the platform's documents have it: it cannot parse `optional` in a proto file, so it asks by reflection.
  'older ghz': ['github.com/bojand/ghz/cmd/ghz', 'v0.93.0'],
} as const;

/** The path of a command of a Go module, installed unless it is there. @throws Error without Go. */
export function goTool(tool: keyof typeof goTools): string {
  const [module, version] = goTools[tool];
  const name = module.split('/').at(-1) ?? module;
  const bin = join(folder, `${name}-${version}`);
  const path = join(bin, name);
  if (!existsSync(path)) {
    mkdirSync(bin, { recursive: true });
    execFileSync('go', ['install', `${module}@${version}`], {
      env: { ...process.env, GOBIN: bin, GOFLAGS: '' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  }
  return path;
}

/** Whether there is no Go here; in CI nothing may be missing. */
export function missingGo(): boolean {
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    if (process.env['CI'] === 'true') {
      throw new Error('there is no go, which CI must have');
    }
    return true;
  }
}

/** Runs a command to its end; its output of both kinds. */
export async function runTool(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
