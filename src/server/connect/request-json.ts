import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { ConnectError, ConnectRouterOptions } from '@connectrpc/connect';
import { toConnectError } from '../../contracts/error-mapping.ts';
import { PaymentError } from '../../payment/errors.ts';
import { isIntegerType } from './json-integer.ts';
import { hasEachKeyOnce } from './json-keys.ts';
import { type FieldHints, findJsonMistakes } from './json-request-check.ts';
import { shortScenarioOf } from './short-scenario.ts';
import { strictJsonDecoder } from './strict-json-decoder.ts';

type JsonOptions = NonNullable<ConnectRouterOptions['jsonOptions']>;

/** Connect's type does not name the decoder; its serialization does. */
type DecodingOptions = JsonOptions & { readonly textDecoder: { decode(bytes: Uint8Array): string } };

/** How the JSON of one method's requests is read. */
export interface RequestJson {
  /** For Connect's handlers, which say nothing of an error: checks every text before it is decoded. */
  readonly checked: JsonOptions;
  /** For who calls `explain` when decoding fails: checks before only a text with an unusual number. */
  readonly quick: DecodingOptions;
  /** As `quick` reads it; undefined where that is to be asked, which says what is wrong. */
  read(bytes: Uint8Array): MessageShape<DescMessage> | undefined;
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

  function withDecoder(isSuspicious: (text: string) => boolean): DecodingOptions {
    const decode = (bytes: Uint8Array): string => {
      const text = withScenario(strictJsonDecoder.decode(bytes));
      const mistakes = isSuspicious(text) ? mistakesIn(text) : undefined;
      if (mistakes !== undefined) {
        throw mistakes;
      }
      return text;
    };
    return { ...jsonOptions, textDecoder: { decode } };
  }

  // A name may be written with escapes, which the pattern does not know.
  const quick = withDecoder((text) => unusualNumber?.test(text) === true || text.includes('\\u'));
  return {
    checked: withDecoder(() => true),
    quick,
    read(bytes) {
      try {
        const text = quick.textDecoder.decode(bytes);
        const json: JsonValue = JSON.parse(text);
        return hasEachKeyOnce(text, json) ? fromJson(message, json, jsonOptions) : undefined;
      } catch {
        return undefined;
      }
    },
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
