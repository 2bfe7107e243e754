/** Throws for bytes that are no UTF-8; the default decoder would put U+FFFD in their place. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes the bytes of JSON. Lone surrogates (`"\\ud800"`) are refused: protobuf's strings are Unicode,
 * and Connect cannot encode a gRPC error whose message has one.
 *
 * @throws TypeError for bytes that are no UTF-8, and for lone surrogates.
 */
export const strictJsonDecoder = {
  decode(bytes: Uint8Array): string {
    const text = strictUtf8.decode(bytes);
    // In valid UTF-8 only an escape can make one. Few messages have escapes, so few are parsed twice.
    if (text.includes('\\u')) {
      refuseLoneSurrogates(text);
    }
    return text;
  },
};

function refuseLoneSurrogates(text: string): void {
  let isWellFormed = true;
  try {
    JSON.parse(text, (name, value: unknown) => {
      isWellFormed &&= name.isWellFormed() && (typeof value !== 'string' || value.isWellFormed());
      return value;
    });
  } catch {
    return; // Not JSON: Connect parses the text next and reports it.
  }
  if (!isWellFormed) {
    throw new TypeError('text must be Unicode, without halves of surrogate pairs');
  }
}
