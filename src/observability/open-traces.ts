import type { Traces, TracesParts } from './traces.ts';
import type { TracesConfig } from './traces-config.ts';

/**
 * Undefined when no spans are made. OpenTelemetry is loaded only when they are: it would make the start longer
 * for everybody.
 */
export async function openTraces(config: TracesConfig, parts: TracesParts): Promise<Traces | undefined> {
  const { enabled, url } = config;
  if (!enabled || url === undefined) {
    return undefined;
  }
  const { createOtelTraces } = await import('./otel-traces.ts');
  return createOtelTraces({ ...config, url }, parts);
}
