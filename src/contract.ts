/* The package's `./gen`: the generated types and services, all in one. */
export * from '../gen/common/v1/money_pb.js';
export * from '../gen/google/rpc/code_pb.js';
export * from '../gen/google/rpc/error_details_pb.js';
export * from '../gen/payment/v1/payment_pb.js';
export * from '../gen/simulator/v1/simulator_pb.js';
