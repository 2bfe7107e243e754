import { Code } from '@connectrpc/connect';
import { codeToHttpStatus, codeToString } from '@connectrpc/connect/protocol-connect';
import { CodeSchema } from '../../../gen/google/rpc/code_pb.js';
import { toConnectError } from '../../../src/contracts/error-mapping.ts';
import { readTexts, table } from '../markdown.ts';
import { whenByCode } from './error-codes.ts';
import { paymentErrors, steeringErrors } from './sample-refusals.ts';

const texts = readTexts(new URL('errors-texts.md', import.meta.url));

/** docs/reference/errors.md, in Markdown: the texts of errors-texts.md, with what the code says of errors. */
export function describeErrors(): string {
  const codes = [...whenByCode].map(([code, when]) => [
    inMarks(grpcName(code)),
    String(code),
    inMarks(codeToString(code)),
    String(codeToHttpStatus(code)),
    when,
  ]);
  return texts
    .replace('{{codes}}', () => table(['gRPC code', 'Number', 'Connect code', 'HTTP', 'When'], codes))
    .replace('{{payment}}', () => messagesOf(paymentErrors))
    .replace('{{simulator}}', () => messagesOf(steeringErrors));
}

/** As gRPC spells it, `INVALID_ARGUMENT`. */
function grpcName(code: Code): string {
  return CodeSchema.value[code]?.name ?? '';
}

/** The message of each error, with values that stand for others, by its code. */
function messagesOf(errors: readonly Error[]): string {
  const rows = errors.map((error) => ({ message: error.message, code: toConnectError(error).code }));
  const places = new Map([...whenByCode.keys()].map((code, place) => [code, place]));
  const unknown = rows.filter(({ code }) => !places.has(code));
  if (unknown.length > 0) {
    throw new Error(`no row tells when a call ends with ${unknown.map(({ code }) => Code[code]).join(', ')}`);
  }
  const sorted = rows.toSorted((a, b) => (places.get(a.code) ?? 0) - (places.get(b.code) ?? 0));
  return table(
    ['gRPC code', 'Message'],
    sorted.map(({ message, code }) => [inMarks(grpcName(code)), inMarks(message)]),
  );
}

function inMarks(text: string): string {
  return `\`${text}\``;
}
