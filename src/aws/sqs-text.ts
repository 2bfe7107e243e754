/**
 * What SQS refuses in a body or an attribute: all that XML 1.0 does not allow, among it the control
 * characters but tab, LF and CR, and lone surrogates.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
const refusedBySqs = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Plain text with U+FFFD, the replacement character, for every character that SQS refuses. */
export function toSqsText(text: string): string {
  return text.replaceAll(refusedBySqs, '\uFFFD');
}

/**
 * JSON text with a `\uXXXX` escape for every character that SQS refuses; it parses to the same value.
 *
 * @param json valid JSON, where such characters can only stand inside strings.
 */
export function toSqsJson(json: string): string {
  return json.replaceAll(refusedBySqs, toJsonEscape);
}

/** All refused characters lie below U+10000, so each is one UTF-16 unit. */
function toJsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
