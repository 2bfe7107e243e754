/** Bytes that are no UTF-8 are refused; the default decoder would replace them and go on. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the bytes of JSON as text. Halves of characters (`"\\ud800"`) are refused: protobuf's strings
 * are Unicode, and Connect cannot write a gRPC error that quotes one.
 *
 * @throws TypeError for either.
 */
export const strictJsonDecoder = {
  decode(bytes: Uint8Array): string {
    const text = strictUtf8.decode(bytes);
    // Only an escape can make one, and few messages have any.
    if (text.includes('\\u')) {
      refuseHalfCharacters(text);
    }
    return text;
  },
};

function refuseHalfCharacters(text: string): void {
  let isWellFormed = true;
  try {
    JSON.parse(text, (name, value: unknown) => {
      isWellFormed &&= name.isWellFormed() && (typeof value !== 'string' || value.isWellFormed());
      return value;
    });
  } catch {
    return; // No JSON: whoever parses it next says so.
  }
  if (!isWellFormed) {
    throw new TypeError('text must be Unicode, without halves of surrogate pairs');
  }
}
