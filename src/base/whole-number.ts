/**
 * A whole number of 0 or more that somebody gave as text: decimal digits alone, up to 2^53-1. Undefined for
 * anything else, most of which `Number` would take: `0x10`, `1e3`, `+5`, ` 5 `, an empty text.
 */
export function readWholeNumber(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
