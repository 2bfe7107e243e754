import { type DestinationStream, type Logger, pino, type LevelWithSilent } from 'pino';

export type { Logger } from 'pino';
type LogLevel = LevelWithSilent;
/** Of lines about what goes as it should: one a payment and one a webhook is too much for a log, not for people who watch. */
export type QuietLevel = 'debug' | 'info';

/** Levels that LOG_LEVEL may name. */
export const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** A JSON logger: `level` as a label, `ts` in ISO 8601, then `msg` and the line's own keys. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
  const isoNow = createIsoClock();
  return pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${isoNow()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** The time in ISO 8601, formatted once per millisecond: a busy one has many lines. */
export function createIsoClock(): () => string {
  let formattedAtMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== formattedAtMs) {
      formattedAtMs = nowMs;
      text = new Date(nowMs).toISOString();
    }
    return text;
  };
}
