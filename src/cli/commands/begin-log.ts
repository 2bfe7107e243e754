import { createPaint, type Paint, showsColours } from '../../base/paint.ts';
import type { Config } from '../../app/config.ts';
import { createLogger } from '../../observability/logger.ts';
import { createPrettyLines } from '../../observability/pretty-lines.ts';
import { logStrayOutput } from '../../observability/stray-output.ts';
import type { ProcessLog } from '../../process/run-process.ts';

/**
 * Makes the log of service or worker what the configuration says, what libraries print included.
 *
 * @returns what texts for people are painted with; undefined where the log is JSON.
 */
export function beginLog(
  log: ProcessLog,
  { logFormat, logLevel }: Pick<Config, 'logFormat' | 'logLevel'>,
): Paint | undefined {
  const paint = logFormat === 'pretty' ? createPaint(showsColours(process.stdout)) : undefined;
  if (paint !== undefined) {
    log.formatLines(createPrettyLines(paint));
  }
  logStrayOutput(createLogger(logLevel, log.destination));
  return paint;
}
