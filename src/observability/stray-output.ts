import { format } from 'node:util';
import type { Logger } from './logger.ts';

/** At which level the log has what is printed with which method of `console`. */
const levels = { error: 'warn', warn: 'warn', log: 'info', info: 'info', debug: 'debug' } as const;

/** BullMQ's, once per connection; state/redis/server-watch.ts has a line of its own about it. */
const toldElsewhere = /^IMPORTANT! Eviction policy is/;

/** So many different texts are kept, to write each once. */
const maxTexts = 100;

/**
 * Makes lines of the log of what libraries print with `console` and what Node warns of, each text once: plain
 * text among JSON lines breaks what reads them. For processes of ours alone, since it changes `console`.
 */
export function logStrayOutput(logger: Logger): void {
  const told = new Set<string>();
  function tell(level: 'warn' | 'info' | 'debug', text: string, message: string): void {
    if (told.has(text) || toldElsewhere.test(text)) {
      return;
    }
    if (told.size < maxTexts) {
      told.add(text);
    }
    logger[level]({ text }, message);
  }
  for (const [method, level] of Object.entries(levels)) {
    Object.assign(console, {
      [method]: (...parts: readonly unknown[]) => tell(level, format(...parts), 'A library printed this'),
    });
  }
  // Node's own listener prints.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => tell('warn', `${warning.name}: ${warning.message}`, 'Node warns'));
}
