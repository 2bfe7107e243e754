import { isUtf8 } from 'node:buffer';
import type { HandlerContext } from '@connectrpc/connect';
import { invalidField } from '../payment/errors.ts';
import type { CallReaders } from './call-readers.ts';

/** An alternative to the field: other gateways take the key from this header. gRPC callers send it as metadata. */
const idempotencyKeyHeader = 'idempotency-key';
const idempotencyKeyField = 'idempotency_key';

/** Nearly all headers: visible ASCII and blanks, without the comma that joins repeated ones. */
const singleAscii = /^[ -+\--~]*$/;

/**
 * The idempotency key of a call, empty when it has none. The field has precedence: it is part of the message,
 * while a proxy may have set the header. That is read as Node gives it: a character for each byte, repeated ones
 * joined by commas.
 *
 * @throws PaymentError `invalid-request` for a header that is not UTF-8, or was sent with different values.
 */
export function idempotencyKeyOf(
  { readHeader }: Pick<CallReaders, 'readHeader'>,
  { idempotencyKey: field }: { readonly idempotencyKey: string },
  context: HandlerContext,
): string {
  const header = field === '' ? readHeader(context, idempotencyKeyHeader) : undefined;
  if (header === undefined) {
    return field;
  }
  return singleAscii.test(header) ? header : readUnusual(header);
}

/** RFC 9110, section 5.3: a header sent twice and one with both values and a comma between them are the same. */
function readUnusual(header: string): string {
  const bytes = Buffer.from(header, 'latin1');
  if (!isUtf8(bytes)) {
    throw invalidField(idempotencyKeyField, 'must be UTF-8 in the header Idempotency-Key');
  }
  const values = new Set(bytes.toString('utf8').split(/[ \t]*,[ \t]*/));
  const [value] = values;
  if (value === undefined || value === '' || values.size > 1) {
    throw invalidField(
      idempotencyKeyField,
      'must be one key: the header Idempotency-Key came with several, separated by commas or sent more than once; a key with a comma goes into the field',
    );
  }
  return value;
}
