import type { DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { ConnectError, ConnectRouterOptions } from '@connectrpc/connect';
import { toConnectError } from '../../contracts/error-mapping.ts';
import { PaymentError } from '../../payment/errors.ts';
import { isIntegerType } from './json-integer.ts';
import { type FieldHints, findJsonMistakes } from './json-request-check.ts';
import { createPlainJsonReader } from './plain-json.ts';
import { shortScenarioOf } from './short-scenario.ts';
import { strictJsonDecoder } from './strict-json-decoder.ts';

type JsonOptions = NonNullable<ConnectRouterOptions['jsonOptions']>;

/** How the JSON of one method's requests is read. */
export interface RequestJson {
  /** For Connect's handlers, which say nothing of an error: checks every text before it is decoded. */
  readonly checked: JsonOptions;
  /** For who calls `explain` when decoding fails: checks before only a text with an unusual number. */
  readonly quick: JsonOptions;
  /** The message of an ordinary text; undefined for any other, which `quick` is for. */
  readPlain(bytes: Uint8Array): MessageShape<DescMessage> | undefined;
  /** The error to answer for a text that could not be decoded: by field, or `error` as it is. */
  explain(bytes: Uint8Array, error: unknown): unknown;
}

/** See `RequestJson`; both ways refuse the same, with the same words. */
export function createRequestJson(
  message: DescMessage,
  jsonOptions: ConnectRouterOptions['jsonOptions'],
  hints: FieldHints,
): RequestJson {
  const unusualNumber = unusualNumberOf(message);
  const withScenario = shortScenarioOf(message) ?? ((text: string) => text);

  function mistakesIn(text: string): ConnectError | undefined {
    const violations = findJsonMistakes(message, text, hints);
    return violations.length === 0
      ? undefined
      : toConnectError(new PaymentError({ kind: 'invalid-request', violations }));
  }

  function withDecoder(isSuspicious: (text: string) => boolean): JsonOptions {
    const decode = (bytes: Uint8Array): string => {
      const text = withScenario(strictJsonDecoder.decode(bytes));
      const mistakes = isSuspicious(text) ? mistakesIn(text) : undefined;
      if (mistakes !== undefined) {
        throw mistakes;
      }
      return text;
    };
    // The type does not name the decoder; Connect's serialization does.
    const options = { ...jsonOptions, textDecoder: { decode } };
    return options;
  }

  const readPlainText = createPlainJsonReader(message);

  return {
    readPlain(bytes) {
      try {
        return readPlainText(strictJsonDecoder.decode(bytes));
      } catch {
        return undefined;
      }
    },
    checked: withDecoder(() => true),
    // A name may be written with escapes, which the pattern does not know.
    quick: withDecoder((text) => unusualNumber?.test(text) === true || text.includes('\\u')),
    explain(bytes, error) {
      let text: string;
      try {
        text = withScenario(strictJsonDecoder.decode(bytes));
      } catch {
        return error;
      }
      return mistakesIn(text) ?? error;
    },
  };
}

/**
 * Finds an integer field whose value is neither plain digits nor an object (another field may have the same
 * name) nor null. The decoder takes many more: it reads them as JavaScript does.
 */
function unusualNumberOf(message: DescMessage): RegExp | undefined {
  const names = integerFieldsOf(message, new Set()).flatMap(({ name, jsonName }) => [name, jsonName]);
  const usual = String.raw`\s|"-?\d+"|-?\d{1,15}\s*[,}\]]|\{|null`;
  return names.length === 0
    ? undefined
    : new RegExp(String.raw`"(?:${[...new Set(names)].join('|')})"\s*:\s*(?!${usual})`);
}

function integerFieldsOf(message: DescMessage, seen: Set<DescMessage>): readonly DescField[] {
  if (seen.has(message)) {
    return [];
  }
  seen.add(message);
  return message.fields.flatMap((field) => {
    if (field.fieldKind === 'message') {
      return integerFieldsOf(field.message, seen);
    }
    return field.fieldKind === 'scalar' && isIntegerType(field.scalar) ? [field] : [];
  });
}
