import { escapeInvisible } from './visible-text.ts';

/**
 * What somebody sent, as a message may repeat it: as JSON, cut, with escapes for what is invisible.
 *
 * @param maxLength in characters of the JSON.
 */
export function quote(value: unknown, maxLength: number): string {
  const visible = escapeInvisible(JSON.stringify(value) ?? 'nothing');
  return visible.length > maxLength ? `${visible.slice(0, maxLength).toWellFormed()}…` : visible;
}
