import type { ServiceProcess } from '../system/service-process.ts';

/** What a service holds, after a garbage collection. */
export interface Held {
  readonly http1: number;
  readonly undecided: number;
  readonly http2: number;
  readonly openFiles: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** Asks a service that was started with collect-on-signal.ts. */
export async function readHeld({ ready, pid }: ServiceProcess): Promise<Held> {
  process.kill(pid, 'SIGUSR2');
  const { opsUrl } = await ready;
  const text = await (await fetch(`${opsUrl}/metrics`, { headers: { connection: 'close' } })).text();
  const sum = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
  return {
    http1: sum(/^api_connections\{protocol="http1"\} (\d+)$/gm),
    undecided: sum(/^api_connections\{protocol="undecided"\} (\d+)$/gm),
    http2: sum(/^api_connections\{protocol="http2"\} (\d+)$/gm),
    openFiles: sum(/^process_open_fds (\d+)$/gm),
    heapBytes: sum(/^nodejs_heap_size_used_bytes (\d+)$/gm) + sum(/^nodejs_external_memory_bytes (\d+)$/gm),
    rssBytes: sum(/^process_resident_memory_bytes (\d+)$/gm),
  };
}
