/**
 * What is not seen although it is there: control characters, what changes the direction of text (U+202E), what
 * has no width or stands for nothing (U+200B, U+00AD, U+3164, variation selectors, tags), ends of lines and
 * paragraphs, halves of surrogate pairs, and U+FFFE and its like, which XML, and so SQS, cannot carry.
 * https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
 */
const invisible =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800]/u;

/** Decides most texts, several times faster. */
const plainAscii = /^[ -~]*$/;

/** The first invisible character of a text, as `U+202E`; undefined when all can be seen. Blanks can. */
export function findInvisible(text: string): string | undefined {
  if (plainAscii.test(text)) {
    return undefined;
  }
  const codePoint = invisible.exec(text)?.[0].codePointAt(0);
  return codePoint === undefined ? undefined : `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
}
