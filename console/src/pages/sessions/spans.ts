/* How far a clock is moved, as people write it. Pure. */

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  sec: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const span = /(\d+(?:\.\d+)?)\s*(ms|sec|s|min|m|h|d)/gy;

/** @returns the milliseconds of such as `90s`, `1.5 h` or `1h 30min`; undefined: it is no such thing. */
export function spanMs(text: string): number | undefined {
  const trimmed = text.trim().toLowerCase();
  let at = 0;
  let ms = 0;
  while (at < trimmed.length) {
    span.lastIndex = at;
    const [whole = '', count = '', unit = ''] = span.exec(trimmed) ?? [];
    if (whole === '') {
      return undefined;
    }
    ms += Number(count) * (units[unit] ?? 0);
    at += whole.length;
    at += trimmed.slice(at).length - trimmed.slice(at).trimStart().length;
  }
  const rounded = Math.round(ms);
  return rounded > 0 && Number.isSafeInteger(rounded) ? rounded : undefined;
}
