import type { Look, Paint } from './paint.ts';

/** One line about something that happened, for people who watch. */
export interface Told {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** What it is about: an id, which is shortened. */
  readonly subject: string;
  /** What happened, in a word or two, and how that looks. */
  readonly what: string;
  readonly look?: Look | undefined;
  readonly details: readonly (string | undefined)[];
}

/** Wide enough for `pay-46292126`, and for most of `what`, in characters. */
const subjectWidth = 12;
const whatWidth = 20;

/** The line: time, subject, what happened, and the rest of it. */
export function formatTold(paint: Paint, { atMs, subject, what, look, details }: Told): string {
  const rest = details.filter((detail) => detail !== undefined && detail !== '').join('  ');
  return [
    paint('dim', timeOfDay(atMs)),
    paint(undefined, shortId(subject).padEnd(subjectWidth)),
    paint(look, what.padEnd(rest === '' ? 0 : whatWidth)),
    ...(rest === '' ? [] : [paint(undefined, rest)]),
  ].join('  ');
}

/** `15:33:34.584`, where the reader is. */
function timeOfDay(atMs: number): string {
  const at = new Date(atMs);
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  return `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function twoDigits(part: number): string {
  return String(part).padStart(2, '0');
}

/** `pay-46292126` of `pay-46292126-4740-43d9-87c4-1032705f9ef7`; what is no such id stays. */
export function shortId(id: string): string {
  return id.replace(/^([a-z]{3}-[0-9a-f]{8})-[0-9a-f-]{27}$/, '$1');
}

/** A span of time as people say it: `850 ms`, `2.0 s`, `3 min`, `1.5 h`. */
export function formatSpan(ms: number): string {
  if (ms < 1_000) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < 100_000) {
    return `${(ms / 1_000).toFixed(1)} s`;
  }
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
