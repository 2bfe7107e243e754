import type { EnvironmentReader } from '../base/env/config-reader.ts';

/** JSON for machines, or lines for people. */
export type LogFormat = 'json' | 'pretty';

const formats: readonly LogFormat[] = ['json', 'pretty'];

/** Reads LOG_FORMAT. */
export function readLogFormat(read: EnvironmentReader): LogFormat {
  return read.oneOf('LOG_FORMAT', formats, 'json');
}

/** The variables with LOG_FORMAT as it is on a terminal, unless it is set. */
export function withTerminalFormat(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): Readonly<Record<string, string | undefined>> {
  const isSet = (env['LOG_FORMAT']?.trim() ?? '') !== '';
  return isSet || !isTerminal ? env : { ...env, LOG_FORMAT: 'pretty' };
}
