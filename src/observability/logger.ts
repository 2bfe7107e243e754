import { type DestinationStream, type Logger, pino, type LevelWithSilent } from 'pino';

export type { Logger } from 'pino';
export type LogLevel = LevelWithSilent;

/** Levels that LOG_LEVEL may name. */
export const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** A JSON logger: `level` as a label, `ts` in ISO 8601, then `msg` and the line's own keys. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      messageKey: 'msg',
      timestamp: createTimestamp(),
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** The `ts` member of a line; formatted once per millisecond, because a busy one has many lines. */
function createTimestamp(): () => string {
  let formattedAtMs = 0;
  let member = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== formattedAtMs) {
      formattedAtMs = nowMs;
      member = `,"ts":"${new Date(nowMs).toISOString()}"`;
    }
    return member;
  };
}
