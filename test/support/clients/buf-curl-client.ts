import { bufCommand } from './buf-command.ts';
import {
  canonicalCode,
  canonicalMessage,
  type ClientFactory,
  type JsonObject,
  mapField,
  servicePath,
} from './payment-client.ts';
import { decodeBadRequest } from './proto-codec.ts';
import { runCommand } from './run-command.ts';

/**
 * The developer's tool `buf curl`.
 *
 * @param schema the contract: a folder of proto files, or what `compileSchema` has made of it.
 */
export function createBufCurlClient(protocol: 'grpc' | 'grpcweb' | 'connect', schema: string): ClientFactory {
  return (apiUrl) => ({
    async call(method, request) {
      const args = ['curl', '--schema', schema, '--protocol', protocol, '--data', '@-'];
      if (protocol === 'grpc') {
        args.push('--http2-prior-knowledge');
      }
      args.push(`${apiUrl}${servicePath}/${method}`);
      const { exitCode, stdout, stderr } = await runCommand(bufCommand, args, JSON.stringify(request));
      if (exitCode === 0) {
        const message = JSON.parse(stdout.toString('utf8')) as JsonObject;
        return { ok: true, message: canonicalMessage(toProtoNames(message)) };
      }
      return readError(stderr);
    },
    close: () => undefined,
  });
}

function readError(stderr: string) {
  if (!stderr.trimStart().startsWith('{')) {
    throw new Error(`buf curl failed: ${stderr}`);
  }
  const error = JSON.parse(stderr) as {
    code: string;
    message?: string;
    details?: { type: string; value: string }[];
  };
  return {
    ok: false as const,
    code: canonicalCode(error.code),
    message: error.message ?? '',
    violations: (error.details ?? [])
      .filter((detail) => detail.type === 'google.rpc.BadRequest')
      .flatMap((detail) => decodeBadRequest(Buffer.from(detail.value, 'base64'))),
  };
}

/** buf prints the JSON names of fields whatever the server sent. */
function toProtoNames(message: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      mapField(name, value, toProtoNames),
    ]),
  );
}
