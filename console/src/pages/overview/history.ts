import { signal } from '@preact/signals';
import { type FigureName, figuresOf, type Look } from './figures.ts';
import { readMetrics } from './prometheus-text.ts';

/* What was measured while the console is open, on whichever page. */

/** The figures at a time. */
export interface Point {
  readonly atMs: number;
  readonly figures: Readonly<Record<FigureName, number | undefined>>;
}

/** Three minutes, a point a second. */
const maxPoints = 180;
const timeoutMs = 5_000;

/** The last ones, the oldest first. */
export const points = signal<readonly Point[]>([]);
/** The last look, for what has no chart. */
export const latest = signal<Look | undefined>(undefined);

/** Looks once. @throws when the service does not answer. */
export async function look(): Promise<void> {
  const answer = await fetch('/metrics', { signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) {
    throw new Error(`/metrics answered ${answer.status}`);
  }
  const now: Look = { atMs: performance.now(), samples: readMetrics(await answer.text()) };
  const before = latest.value;
  latest.value = now;
  if (before !== undefined) {
    const point = { atMs: now.atMs, figures: figuresOf(before, now) };
    points.value = [...points.value, point].slice(-maxPoints);
  }
}
