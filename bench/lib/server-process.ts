import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { freePort } from '../../test/support/free-port.ts';

/** A server under test, in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  /** CPU time used so far, all threads, in microseconds. */
  cpuMicroseconds(): number;
  /** Largest resident set so far, in MiB. */
  peakRssMib(): number;
  stop(): Promise<void>;
}

/** What to start. */
export interface ServerCommand {
  /** Node unless told otherwise. */
  readonly program?: string;
  readonly args: readonly string[];
  /** The port is the last argument as well. */
  readonly portIsArgument?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Where standard output goes, as a user would redirect it. */
  readonly logFile: string;
}

/** Clock ticks per second in /proc; 100 on every Linux that Node supports. */
const microsecondsPerTick = 10_000;

/** Starts a server that listens at PORT or GRPC_PORT, and waits until it takes connections. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const [port, opsPort] = [await freePort(), await freePort()];
  const log = openSync(command.logFile, 'w');
  const args = command.portIsArgument === true ? [...command.args, String(port)] : command.args;
  const child = spawn(command.program ?? process.execPath, args, {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      PORT: String(port),
      GRPC_PORT: String(port),
      HEALTH_PORT: String(opsPort),
      HOST: '127.0.0.1',
      ...command.env,
    },
  });
  closeSync(log);
  await waitUntilListening(child, port, command.logFile);
  const stat = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return {
    port,
    cpuMicroseconds: () => (Number(stat()[11]) + Number(stat()[12])) * microsecondsPerTick,
    peakRssMib() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    },
    async stop() {
      if (child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}

async function waitUntilListening(child: ChildProcess, port: number, logFile: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) {
      throw new Error(`the server ended with ${child.exitCode}:\n${readFileSync(logFile, 'utf8')}`);
    }
    const socket = connect(port, '127.0.0.1');
    const listening = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (listening) {
      return;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  throw new Error(`nothing listens at port ${port}`);
}
