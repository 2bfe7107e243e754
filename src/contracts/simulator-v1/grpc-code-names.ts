import { Code } from '../../../gen/google/rpc/code_pb.js';

/** The names of gRPC's codes by their numbers, as `google.rpc.Code` has them. */
export const grpcCodeNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(Code)
    .filter(([, number]) => typeof number === 'number')
    .map(([name, number]) => [number, name]),
);
