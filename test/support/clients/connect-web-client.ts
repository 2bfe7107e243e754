import { fromJson, toJson } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.js';
import {
  CancelPaymentRequestSchema,
  CancelPaymentResponseSchema,
  CreatePaymentIntentRequestSchema,
  CreatePaymentIntentResponseSchema,
  GetPaymentStatusRequestSchema,
  GetPaymentStatusResponseSchema,
  ListPaymentsRequestSchema,
  ListPaymentsResponseSchema,
  PaymentService,
  ProcessPaymentRequestSchema,
  ProcessPaymentResponseSchema,
  SimulateWebhookRequestSchema,
  SimulateWebhookResponseSchema,
} from '../../../gen/payment/v1/payment_pb.js';
import {
  canonicalCode,
  canonicalMessage,
  type ClientFactory,
  type JsonObject,
  type Method,
  type Outcome,
} from './payment-client.ts';

/** What a browser application uses: @connectrpc/connect-web, over HTTP/1.1 here. */
export function createConnectWebClient(
  protocol: 'connect-binary' | 'connect-get' | 'grpc-web',
): ClientFactory {
  return (apiUrl) => {
    const call = createCaller(createTransport(protocol, apiUrl));
    return {
      async call(method, request) {
        try {
          return { ok: true, message: canonicalMessage((await call(method, request)) as JsonObject) };
        } catch (error) {
          return failureOf(error);
        }
      },
      close: () => undefined,
    };
  };
}

function createTransport(
  protocol: 'connect-binary' | 'connect-get' | 'grpc-web',
  baseUrl: string,
): Transport {
  return protocol === 'grpc-web'
    ? createGrpcWebTransport({ baseUrl })
    : createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: protocol === 'connect-get' });
}

function createCaller(transport: Transport) {
  const client = createClient(PaymentService, transport);
  const json = { useProtoFieldName: true };
  return async (method: Method, request: JsonObject) => {
    const input = JSON.parse(JSON.stringify(request));
    switch (method) {
      case 'CreatePaymentIntent':
        return toJson(
          CreatePaymentIntentResponseSchema,
          await client.createPaymentIntent(fromJson(CreatePaymentIntentRequestSchema, input)),
          json,
        );
      case 'GetPaymentStatus':
        return toJson(
          GetPaymentStatusResponseSchema,
          await client.getPaymentStatus(fromJson(GetPaymentStatusRequestSchema, input)),
          json,
        );
      case 'ProcessPayment':
        return toJson(
          ProcessPaymentResponseSchema,
          await client.processPayment(fromJson(ProcessPaymentRequestSchema, input)),
          json,
        );
      case 'CancelPayment':
        return toJson(
          CancelPaymentResponseSchema,
          await client.cancelPayment(fromJson(CancelPaymentRequestSchema, input)),
          json,
        );
      case 'ListPayments':
        return toJson(
          ListPaymentsResponseSchema,
          await client.listPayments(fromJson(ListPaymentsRequestSchema, input)),
          json,
        );
      case 'SimulateWebhook':
        return toJson(
          SimulateWebhookResponseSchema,
          await client.simulateWebhook(fromJson(SimulateWebhookRequestSchema, input)),
          json,
        );
    }
  };
}

function failureOf(error: unknown): Outcome {
  if (!(error instanceof ConnectError)) {
    throw error;
  }
  return {
    ok: false,
    code: canonicalCode(Code[error.code]),
    message: error.rawMessage,
    violations: error
      .findDetails(BadRequestSchema)
      .flatMap((detail) => detail.fieldViolations)
      .map(({ field, description }) => ({ field, description })),
  };
}
