import { createGrpcJsClient } from '../support/clients/grpc-js-client.ts';
import { cases } from './cases.ts';
import { runCases } from './run-cases.ts';

runCases('native gRPC, @grpc/grpc-js', createGrpcJsClient({ gzip: false }), cases);
runCases('native gRPC with gzip, @grpc/grpc-js', createGrpcJsClient({ gzip: true }), cases);
