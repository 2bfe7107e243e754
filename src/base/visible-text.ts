/**
 * What is not seen although it is there: control characters, what changes the direction of text (U+202E), what
 * has no width or stands for nothing (U+200B, U+00AD, U+3164, variation selectors, tags), ends of lines and
 * paragraphs, halves of surrogate pairs, and U+FFFE and its like, which XML, and so SQS, cannot carry.
 * https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const invisible =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/u;
/** And blanks that pass for a space, such as U+00A0: a reader must see why a name is not the one it looks like. */
const everyDeceptive = new RegExp(String.raw`${invisible.source}|(?! )\p{Zs}`, 'gu');

/** Decides most texts, several times faster. */
const plainAscii = /^[ -~]*$/;

/** The first invisible character of a text, as `U+202E`; undefined when all can be seen. Blanks can. */
export function findInvisible(text: string): string | undefined {
  if (plainAscii.test(text)) {
    return undefined;
  }
  const character = invisible.exec(text)?.[0];
  return character === undefined ? undefined : `U+${hexOf(character).toUpperCase()}`;
}

/**
 * The text with escapes such as `\u200b` for what is invisible or a blank other than a space: what a terminal or
 * a message may show of what others wrote.
 */
export function escapeInvisible(text: string): string {
  return text.replaceAll(everyDeceptive, (character) => {
    const hex = hexOf(character);
    return hex.length > 4 ? String.raw`\u{${hex}}` : String.raw`\u${hex}`;
  });
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(4, '0');
}
