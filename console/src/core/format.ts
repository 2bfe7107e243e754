import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import { durationMs, timestampDate } from '@bufbuild/protobuf/wkt';
import type { Money } from '../../../gen/common/v1/money_pb.js';
import { language } from './language.ts';

/* How values are written, in the language of the reader. */

/** Such as `₩120,000`. Amounts are in the currency's smallest unit; a currency that nobody knows is written after it. */
export function formatMoney(money: Money | undefined): string {
  if (money === undefined) {
    return '';
  }
  try {
    const format = new Intl.NumberFormat(language.value, { style: 'currency', currency: money.currency });
    const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
    // Shifted as text: an amount may be larger than a number can say exactly.
    const text = money.amount.toString().padStart(digits + 1, '0');
    const shifted = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
    return isNumeric(shifted) ? format.format(shifted) : shifted;
  } catch {
    return `${money.amount} ${money.currency}`;
  }
}

/** Such as `14:03:07.250`, with the date when it is another day. */
export function formatTime(time: Timestamp | undefined): string {
  if (time === undefined) {
    return '';
  }
  const date = timestampDate(time);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  const exact = `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? exact : `${date.toLocaleDateString(language.value)} ${exact}`;
}

/** Such as `2026-11-27T14:03:07.250Z`, for who has to compare. */
export function formatExactly(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}

/** Such as `250 ms`, `2.0 s`, `15 min`. */
export function formatMs(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const [size, unit] = units.find(([least]) => Math.abs(ms) >= least) ?? [1, 'ms'];
  const value = ms / size;
  return `${Number.isInteger(value) || unit === 'ms' ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

export function formatDuration(duration: Duration | undefined): string {
  return duration === undefined ? '' : formatMs(durationMs(duration));
}

export function formatCount(count: number | bigint): string {
  return count.toLocaleString(language.value);
}

function isNumeric(text: string): text is `${number}` {
  return /^-?\d+(\.\d+)?$/.test(text);
}
