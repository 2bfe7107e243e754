/**
 * What somebody sent, as a message may repeat it: as JSON, cut, with every character that is not plainly
 * visible as an escape.
 *
 * @param maxLength in characters of the JSON.
 */
export function quote(value: unknown, maxLength: number): string {
  const json = JSON.stringify(value) ?? 'nothing';
  const visible = json.replace(/[^\x20-\x7e\p{L}\p{N}\p{P}\p{S}]/gu, escapeCharacter);
  return visible.length > maxLength ? `${visible.slice(0, maxLength).toWellFormed()}…` : visible;
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
