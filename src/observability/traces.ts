import type { MachineClock } from '../base/clock.ts';
import type { StartSpan } from '../base/span.ts';
import type { Logger } from './logger.ts';

/** What makes spans and sends them. */
export interface Traces {
  readonly startSpan: StartSpan;
  /** Sends what waits. May take as long as the collector does; never rejects. */
  close(): Promise<void>;
}

/** Whose spans they are, and where it is told that they do not arrive. */
export interface TracesParts {
  /** The name of the process, where nobody has given another. */
  readonly serviceName: string;
  readonly machine: MachineClock;
  readonly logger: Logger;
}
