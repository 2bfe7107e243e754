/**
 * What a terminal may be shown of a text that others wrote: control characters, which move the cursor or
 * change what was shown before, and characters that turn the direction of text or are invisible, are given as
 * escapes such as `\u001b`.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? String.raw`\u{${code}}` : String.raw`\u${code.padStart(4, '0')}`;
  });
}
