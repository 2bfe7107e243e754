import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** How a command runs inside a stage's files. */
export interface Execution {
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  /** `uid:gid`. */
  readonly user: string;
  readonly command: readonly string[];
}

/** A container: processes of its own, nothing to write to, and no privileges to gain. */
export interface Container {
  /** What it writes to standard output and standard error. */
  readonly output: () => string;
  /** Its first process, as seen from outside. */
  readonly pid: number;
  /** Runs a command beside its first process; the output, or undefined when it fails. */
  exec(command: readonly string[]): string | undefined;
  /** Sends SIGTERM to its first process and resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Whether this process may do what containers need. */
export function canMakeNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--mount', '--pid', '--net', '--fork', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/**
 * Lays the stand-in for the base image under an empty folder: folders to mount this machine's /usr and
 * /etc on, and the Node and npm that take the place of the image's.
 */
export function layBase(root: string): void {
  for (const folder of ['usr', 'etc', 'proc', 'dev', 'run', 'tmp', 'root', 'var']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const link of ['bin', 'lib', 'lib64', 'sbin']) {
    symlinkSync(`usr/${link}`, join(root, link));
  }
}

/** The folder that is mounted on /usr/local: the Node of this process, and this machine's npm. */
export function layUsrLocal(folder: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'lib/node_modules'), { recursive: true });
  cpSync(process.execPath, join(folder, 'bin/node'));
  const npmCli = execFileSync('sh', ['-c', 'readlink -f "$(command -v npm)"'], { encoding: 'utf8' }).trim();
  cpSync(dirname(dirname(npmCli)), join(folder, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'bin/npm'));
}

/** What a RUN may use: this machine's network, and its npm settings and cache in place of /root. */
const writable = `mount --rbind ${homedir()} "$root/root"`;
const readOnly = 'mount -o remount,bind,ro "$root"';

function enter({ root, workdir, env, user, command }: Execution, usrLocal: string, mounts: string): string[] {
  const script = `
    set -e
    root=$1 usr_local=$2; shift 2
    mount --make-rprivate /
    mount --bind "$root" "$root"
    for folder in usr etc; do
      mount --bind "/$folder" "$root/$folder"
      mount -o remount,bind,ro "$root/$folder"
    done
    mount --bind "$usr_local" "$root/usr/local"
    mount -o remount,bind,ro "$root/usr/local"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    ${mounts}
    exec chroot "$root" "$@"`;
  return ['sh', '-c', script, 'sh', root, usrLocal, ...insideArguments({ workdir, env, user, command })];
}

function insideArguments({ workdir, env, user, command }: Omit<Execution, 'root'>): string[] {
  const [uid = '', gid = ''] = user.split(':');
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    ...(uid === '0' ? [] : ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all']),
    'env',
    '-i',
    `--chdir=${workdir}`,
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...command,
  ];
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Carries out a RUN. Throws when it fails, with what it said. */
export function runInStage(execution: Execution, usrLocal: string): void {
  const passedOn = Object.entries(process.env).flatMap(([name, value = '']) =>
    /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name) ? [[name, value] as const] : [],
  );
  const env = {
    PATH: path,
    HOME: '/root',
    // What was installed here before is not asked for again.
    npm_config_prefer_offline: 'true',
    ...Object.fromEntries(passedOn),
    ...execution.env,
  };
  execFileSync(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', ...enter({ ...execution, env }, usrLocal, writable)],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

/**
 * Starts a container in the network of another process. HOME is `/`, as Docker sets it for a user
 * without a line in /etc/passwd.
 */
export async function startContainer(
  execution: Execution,
  usrLocal: string,
  networkPid: number,
): Promise<Container> {
  const env = { PATH: path, HOME: '/', ...execution.env };
  const child = spawn(
    'nsenter',
    [
      `--target=${networkPid}`,
      '--net',
      'unshare',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      ...enter({ ...execution, env }, usrLocal, readOnly),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { output, ended } = collect(child);
  const pid = await firstChild(child);
  return {
    output,
    pid,
    exec(command) {
      try {
        return execFileSync(
          'nsenter',
          [
            `--target=${pid}`,
            '--mount',
            '--pid',
            '--net',
            '--root',
            ...insideArguments({ ...execution, env, command }),
          ],
          { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
        );
      } catch {
        return undefined;
      }
    },
    stop() {
      process.kill(pid, 'SIGTERM');
      return ended;
    },
  };
}

/** A process in a network of its own, which has nothing but loopback. */
export function startInOwnNetwork(command: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { pid: child.pid ?? Number.NaN, stop: () => void child.kill('SIGTERM'), ...collect(child) };
}

function collect(child: ChildProcess) {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  }
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  return { output: () => text, ended };
}

/** `unshare` forks; its child becomes the container's first process. */
async function firstChild({ pid }: ChildProcess): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const [child] = childrenOf(pid);
    if (child !== undefined) {
      return child;
    }
    await wait(20);
  }
  throw new Error('the container did not start');
}

function childrenOf(pid: number | undefined): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}
