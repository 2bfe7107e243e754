import { once } from 'node:events';
import { connect } from 'node:http2';
import { create, createFileRegistry, type DescFile, equals } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
} from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { file_common_v1_money } from '../../gen/common/v1/money_pb.js';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.js';
import { file_grpc_health_v1_health } from '../../gen/grpc/health/v1/health_pb.js';
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
} from '../../gen/grpc/reflection/v1/reflection_pb.js';
import { file_grpc_reflection_v1alpha_reflection } from '../../gen/grpc/reflection/v1alpha/reflection_pb.js';
import { file_payment_v1_payment } from '../../gen/payment/v1/payment_pb.js';
import { file_simulator_v1_simulator } from '../../gen/simulator/v1/simulator_pb.js';
import { launchService, type RunningService, startService } from '../support/start-service.ts';
import { ask, filesOf, grpcTransport, type Version, versions, withImports } from './reflection-stream.ts';

let service: RunningService;
let transport: ReturnType<typeof grpcTransport>;

beforeAll(async () => {
  service = await launchService({ SHUTDOWN_GRACE_MS: '0' });
  transport = grpcTransport(service.apiUrl);
});

afterAll(async () => {
  await service.app.stop();
});

const served = [
  file_payment_v1_payment,
  file_simulator_v1_simulator,
  file_google_rpc_error_details,
  file_grpc_health_v1_health,
  file_grpc_reflection_v1_reflection,
  file_grpc_reflection_v1alpha_reflection,
];
const everyFile = [...new Set(served.flatMap((file) => Array.from(withImports(file))))];

const serviceNames = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
  'payment.v1.PaymentService',
  'simulator.v1.SimulatorService',
];

describe.each(versions)('%s', (version) => {
  test('lists every service', async () => {
    const [answer] = await ask(transport, version, [{ case: 'listServices', value: '*' }]);
    expect(answer?.messageResponse).toMatchObject({
      case: 'listServicesResponse',
      value: { service: serviceNames.map((name) => ({ name })) },
    });
  });

  test('an answer repeats its question', async () => {
    const [answer] = await ask(transport, version, [{ case: 'fileByFilename', value: 'none.proto' }]);
    expect(answer).toMatchObject({
      validHost: 'asked-host',
      originalRequest: {
        host: 'asked-host',
        messageRequest: { case: 'fileByFilename', value: 'none.proto' },
      },
    });
  });

  test.each(everyFile.map((file) => [file.proto.name, file] as const))(
    '%s is field by field what gen/ has, and comes with what it imports',
    async (name, file) => {
      const [answer] = await ask(transport, version, [{ case: 'fileByFilename', value: name }]);
      expectSameFiles(filesOf(answer), withImports(file));
    },
  );

  test.each([
    ['a service', 'payment.v1.PaymentService', file_payment_v1_payment],
    ['a method', 'payment.v1.PaymentService.ProcessPayment', file_payment_v1_payment],
    ['a message', 'payment.v1.Payment', file_payment_v1_payment],
    ['a field', 'payment.v1.Payment.payment_id', file_payment_v1_payment],
    ['an enum', 'payment.v1.PaymentStatus', file_payment_v1_payment],
    ['an enum value', 'payment.v1.PAYMENT_STATUS_FAILED', file_payment_v1_payment],
    ['an imported message', 'common.v1.Money', file_common_v1_money],
    ['a standard message', 'google.protobuf.Timestamp', file_google_protobuf_timestamp],
    ['an error detail', 'google.rpc.BadRequest', file_google_rpc_error_details],
    ['a nested message', 'google.rpc.BadRequest.FieldViolation', file_google_rpc_error_details],
    ['a nested enum', 'grpc.health.v1.HealthCheckResponse.ServingStatus', file_grpc_health_v1_health],
    ['a value of it', 'grpc.health.v1.HealthCheckResponse.NOT_SERVING', file_grpc_health_v1_health],
    [
      'a oneof',
      'grpc.reflection.v1.ServerReflectionRequest.message_request',
      file_grpc_reflection_v1_reflection,
    ],
  ])('finds the file of %s, %s', async (_kind, symbol, file) => {
    const [answer] = await ask(transport, version, [{ case: 'fileContainingSymbol', value: symbol }]);
    expectSameFiles(filesOf(answer), withImports(file));
  });

  test('on one stream, imports come once and the asked file every time', async () => {
    const answers = await ask(transport, version, [
      { case: 'fileByFilename', value: 'common/v1/money.proto' },
      { case: 'fileContainingSymbol', value: 'payment.v1.PaymentService' },
      { case: 'fileContainingSymbol', value: 'payment.v1.Payment' },
      { case: 'fileByFilename', value: 'common/v1/money.proto' },
    ]);
    expect(answers.map((answer) => filesOf(answer).map(({ name }) => name))).toEqual([
      ['common/v1/money.proto'],
      ['payment/v1/payment.proto', 'google/protobuf/timestamp.proto', 'google/rpc/code.proto'],
      ['payment/v1/payment.proto'],
      ['common/v1/money.proto'],
    ]);
  });

  test('what is not known is an error answer each, and the stream goes on', async () => {
    const answers = await ask(transport, version, [
      { case: 'fileByFilename', value: 'payment.proto' },
      { case: 'fileContainingSymbol', value: 'payment.v1.Refund' },
      { case: 'fileContainingSymbol', value: '' },
      {
        case: 'fileContainingExtension',
        value: { containingType: 'payment.v1.Payment', extensionNumber: 99 },
      },
      { case: 'allExtensionNumbersOfType', value: 'payment.v1.Nothing' },
      { case: undefined },
      { case: 'allExtensionNumbersOfType', value: 'payment.v1.Payment' },
    ]);
    const errors = answers.map(({ messageResponse: { case: kind, value } }) =>
      kind === 'errorResponse' ? Code[value.errorCode] : value,
    );
    expect(errors.slice(0, 6)).toEqual([...Array<string>(5).fill('NotFound'), 'InvalidArgument']);
    expect(errors[6]).toMatchObject({ baseTypeName: 'payment.v1.Payment', extensionNumber: [] });
    for (const { messageResponse } of answers.slice(0, 6)) {
      expect(messageResponse).toMatchObject({ value: { errorMessage: /./ } });
    }
  });

  test('switched off, it is not there', async () => {
    const { apiUrl } = await startService({ REFLECTION: 'off', SHUTDOWN_GRACE_MS: '0' });
    const asked = ask(grpcTransport(apiUrl), version, [{ case: 'listServices', value: '' }]);
    await expect(asked).rejects.toMatchObject({ code: Code.Unimplemented });
  });

  test.each(['application/grpc-web+proto', 'application/connect+proto'])(
    'over HTTP/1.1, which cannot stream both ways, %s is told so',
    async (contentType) => {
      const response = await fetch(`${service.apiUrl}${pathOf(version)}`, {
        method: 'POST',
        headers: { 'content-type': contentType },
        body: new Uint8Array(5),
      });
      const reason = decodeURIComponent(response.headers.get('grpc-message') ?? (await response.text()));
      expect(reason).toContain('needs HTTP/2');
      expect([response.status, response.headers.get('grpc-status')]).toEqual(
        contentType.startsWith('application/grpc') ? [200, '12'] : [505, null],
      );
    },
  );
});

test('streams end with the service, and stopping does not wait for them', async () => {
  const stopping = await startService({ SHUTDOWN_GRACE_MS: '600000' });
  const firstAnswer = Promise.withResolvers<string | undefined>();
  const never = new Promise<never>(() => undefined);
  async function* requests() {
    yield { messageRequest: { case: 'listServices' as const, value: '' } };
    await never;
  }
  const stream = createClient(ServerReflection, grpcTransport(stopping.apiUrl)).serverReflectionInfo(
    requests(),
  );
  const ended = (async () => {
    for await (const { messageResponse } of stream) {
      firstAnswer.resolve(messageResponse.case);
    }
  })().catch((error: unknown) => ConnectError.from(error));
  expect(await firstAnswer.promise).toBe('listServicesResponse');
  // Waiting for the stream would take half the grace, and the test would be out of time.
  await stopping.app.stop();
  expect(await ended).toMatchObject({ code: Code.Unavailable });
});

test('a caller that vanishes with its connection is no defect of ours', async () => {
  const session = connect(service.apiUrl);
  const stream = session.request({
    ':method': 'POST',
    ':path': pathOf('v1'),
    'content-type': 'application/grpc+proto',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  // list_services with an empty text: field 7, length 0.
  stream.write(Buffer.from([0, 0, 0, 0, 2, 0x3a, 0]));
  await once(stream, 'data');
  session.destroy();
  const series =
    'grpc_server_handled_total{grpc_type="bidi_stream",grpc_service="grpc.reflection.v1.ServerReflection",grpc_method="ServerReflectionInfo",grpc_code="Canceled"}';
  await expect.poll(() => service.metric(series)).toBe(1);
  expect(service.logs('Call failed')).toEqual([]);
});

test('the descriptors together make a complete registry', async () => {
  const answers = await ask(
    transport,
    'v1',
    serviceNames.map((value) => ({ case: 'fileContainingSymbol', value })),
  );
  // Imports come after what imports them, unless an earlier answer had them; a registry wants them before.
  const file = answers.flatMap((answer) => filesOf(answer).toReversed());
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
  expect(serviceNames.map((name) => registry.getService(name)?.typeName)).toEqual(serviceNames);
});

function pathOf(version: Version): string {
  return `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
}

function expectSameFiles(got: ReturnType<typeof filesOf>, expected: ReadonlySet<DescFile>): void {
  const byName = new Map(got.map((file) => [file.name, file]));
  expect(got).toHaveLength(expected.size);
  for (const { proto } of expected) {
    const file = byName.get(proto.name);
    expect(file, proto.name).toBeDefined();
    expect(file !== undefined && equals(FileDescriptorProtoSchema, file, proto), proto.name).toBe(true);
  }
}
