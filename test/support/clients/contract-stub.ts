import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { JsonObject, Outcome } from './payment-client.ts';

/** The folders with the proto files of the two contracts, whose names are the same. */
export const contractFolders = { payment: 'proto', platform: 'proto-platform' } as const;
export type ContractName = keyof typeof contractFolders;

/** A caller with the stub of one contract, made of its proto files by @grpc/proto-loader. */
export interface ContractStub {
  call(method: string, request: JsonObject, metadata?: Readonly<Record<string, string>>): Promise<Outcome>;
  close(): void;
}

type UnaryCall = (
  request: JsonObject,
  metadata: Metadata,
  options: { readonly deadline: number },
  callback: (error: { code: number; details: string } | null, message?: JsonObject) => void,
) => void;

/** The definition that stubs are made of; enums as their names or as their numbers. */
export function loadContract(contract: ContractName, enums: typeof String | typeof Number = String) {
  return loadSync('payment/v1/payment.proto', {
    includeDirs: [fileURLToPath(new URL(`../../../${contractFolders[contract]}`, import.meta.url))],
    keepCase: true,
    longs: String,
    defaults: true,
    ...(enums === String && { enums: String }),
  });
}

/** Connects to `http://host:port` over gRPC. */
export function createContractStub(
  contract: ContractName,
  url: string,
  enums: typeof String | typeof Number = String,
): ContractStub {
  const { payment } = loadPackageDefinition(loadContract(contract, enums));
  const { PaymentService } = (payment as GrpcObject)['v1'] as Record<string, ServiceClientConstructor>;
  if (PaymentService === undefined) {
    throw new Error('the proto files have no PaymentService');
  }
  const client: Client = new PaymentService(new URL(url).host, credentials.createInsecure());
  return {
    call: (method, request, headers = {}) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        Object.entries(headers).forEach(([name, value]) => metadata.set(name, value));
        const options = { deadline: Date.now() + 10_000 };
        const unary = (client as unknown as Record<string, UnaryCall>)[method];
        unary?.call(client, request, metadata, options, (error, message) =>
          resolve(
            error === null
              ? { ok: true, message: message ?? {} }
              : { ok: false, code: status[error.code] ?? '', message: error.details, violations: [] },
          ),
        );
      }),
    close: () => client.close(),
  };
}
