import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { MethodImplSpec } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import type { LaneProtocol } from './lane-protocol.ts';

/** The implementation of a unary method. */
export type UnarySpec = Extract<MethodImplSpec, { kind: 'unary' }>;

/** A method in one protocol and codec: all that is known of a call before it is made. */
export interface LaneRoute {
  readonly spec: UnarySpec;
  readonly protocol: LaneProtocol;
  /** Protobuf's binary format, or JSON. */
  readonly binary: boolean;
  readonly input: { parse(bytes: Uint8Array): MessageShape<DescMessage> };
  readonly output: { serialize(message: MessageShape<DescMessage>): Uint8Array };
  /** Connect's own handler, for what turns out not to be for the lane. */
  readonly connectHandler: UniversalHandler;
}
