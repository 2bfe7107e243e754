import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { Gauge, type Registry } from 'prom-client';

/** Adds what Node's own metrics leave out: the limits that memory and heap are measured against. */
export function addProcessLimits(registry: Registry): void {
  const memoryLimit: Gauge = new Gauge({
    name: 'process_memory_limit_bytes',
    help: "Memory that this process may use: the container's limit, or all that the machine has.",
    registers: [registry],
    // Read anew, because a container's limit can be changed while it runs.
    collect(): void {
      memoryLimit.set(memoryLimitBytes(process.constrainedMemory(), totalmem()));
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_limit_bytes',
    help: 'Heap at which Node ends the process.',
    registers: [registry],
  }).set(getHeapStatistics().heap_size_limit);
}

/**
 * The limit that holds.
 *
 * @param constrainedBytes what the container may use; 0 or more than there is when nothing limits it.
 */
export function memoryLimitBytes(constrainedBytes: number, machineBytes: number): number {
  return constrainedBytes > 0 ? Math.min(constrainedBytes, machineBytes) : machineBytes;
}
