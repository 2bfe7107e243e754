/** An amount in minor units as people write it: `₩120,000`, `$10.50`. */
export function formatAmount(minorUnits: number | bigint, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(Number(minorUnits) / 10 ** digits);
}
