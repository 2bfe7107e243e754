import { sameSignalMs } from './stop-signals.ts';

/** What a stop waits for: how many of each, by what they are called. */
export type Pending = Readonly<Record<string, number>>;

/** Later than signals that count as the first one. */
const noticeAfterMs = sameSignalMs + 100;

/**
 * Says once on a terminal what a stop waits for, when it takes longer than a moment, and that a second Ctrl-C
 * ends it at once. Elsewhere nobody is there to press it.
 *
 * @param name what the process is called.
 * @param pending may fail, then nothing is counted.
 * @param write takes the line, without its end, for standard error.
 */
export function tellWhatIsWaitedFor(
  name: string,
  pending: () => Pending | Promise<Pending>,
  write: (text: string) => void,
): void {
  if (process.stderr.isTTY) {
    setTimeout(() => void tell(name, pending, write), noticeAfterMs).unref();
  }
}

async function tell(
  name: string,
  pending: () => Pending | Promise<Pending>,
  write: (text: string) => void,
): Promise<void> {
  const counts = await Promise.resolve()
    .then(pending)
    .catch(() => ({}));
  const list = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${what}: ${count}`)
    .join(', ');
  const waitsFor = list === '' ? 'what is under way' : `what is under way (${list})`;
  write(`${name} is stopping and waits for ${waitsFor}. Ctrl-C again ends it at once.`);
}
