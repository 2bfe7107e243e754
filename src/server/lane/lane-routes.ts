import type { DescMessage } from '@bufbuild/protobuf';
import { createServiceImplSpec } from '@connectrpc/connect';
import {
  createMethodSerializationLookup,
  createMethodUrl,
  type UniversalHandlerOptions,
} from '@connectrpc/connect/protocol';
import { createRequestJson, type RequestJson } from '../connect/request-json.ts';
import type { FieldHints } from '../connect/json-request-check.ts';
import type { ServiceRegistration } from '../connect/service-registration.ts';
import type { SettledHandler } from '../connect/settled-answers.ts';
import { createConnectProtocol } from './connect-protocol.ts';
import { grpcProtocol } from './grpc-protocol.ts';
import { grpcWebProtocol } from './grpc-web-protocol.ts';
import type { LaneProtocol, LaneRoute, UnarySpec } from './lane-types.ts';
import { createPlainWriter } from './plain-writer.ts';

/** The routes of one method by content type. */
type MethodRoutes = ReadonlyMap<string, LaneRoute>;

/** A content type as the header spells it, its protocol, and whether messages are binary. */
type Variant = readonly [contentType: string, protocol: LaneProtocol, binary: boolean];

/**
 * The routes of all unary methods, by path and then by content type.
 *
 * @param connectHandlers Connect's own; a method without one gets no route.
 */
export function createLaneRoutes(
  services: readonly ServiceRegistration[],
  options: UniversalHandlerOptions,
  connectHandlers: readonly SettledHandler[],
): ReadonlyMap<string, MethodRoutes> {
  const variants = listVariants(options);
  const routes = new Map<string, MethodRoutes>();
  for (const { service, handlers, hints } of services) {
    for (const spec of Object.values(createServiceImplSpec(service, handlers).methods)) {
      const path = createMethodUrl('/', spec.method);
      const connectHandler = connectHandlers.find((handler) => handler.requestPath === path);
      if (spec.kind === 'unary' && connectHandler !== undefined) {
        routes.set(path, createMethodRoutes(spec, connectHandler, variants, options, hints));
      }
    }
  }
  return routes;
}

/** Exactly these content types; any other spelling is left to Connect's handlers. */
function listVariants({ jsonOptions }: UniversalHandlerOptions): readonly Variant[] {
  const connectProtocol = createConnectProtocol(jsonOptions ?? {});
  return [
    ['application/grpc', grpcProtocol, true],
    ['application/grpc+proto', grpcProtocol, true],
    ['application/grpc-web', grpcWebProtocol, true],
    ['application/grpc-web+proto', grpcWebProtocol, true],
    ['application/proto', connectProtocol, true],
    ['application/json', connectProtocol, false],
  ];
}

function createMethodRoutes(
  spec: UnarySpec,
  connectHandler: SettledHandler,
  variants: readonly Variant[],
  options: UniversalHandlerOptions,
  hints: FieldHints,
): MethodRoutes {
  const json = createRequestJson(spec.method.input, options.jsonOptions, hints);
  const serialization = createMethodSerializationLookup(
    spec.method,
    options.binaryOptions,
    json.quick,
    options,
  );
  const routeOf = (protocol: LaneProtocol, binary: boolean): LaneRoute => ({
    spec,
    protocol,
    binary,
    input: binary ? serialization.getI(true) : explaining(json, serialization.getI(false)),
    output: binary
      ? withPlainWriter(spec.method.output, serialization.getO(true))
      : serialization.getO(false),
    connectHandler,
  });
  return new Map(variants.map(([contentType, ...variant]) => [contentType, routeOf(...variant)]));
}

/** Decodes JSON, and tells by field what could not be decoded. */
function explaining(json: RequestJson, input: LaneRoute['input']): LaneRoute['input'] {
  return {
    parse(bytes) {
      try {
        return json.readPlain(bytes) ?? input.parse(bytes);
      } catch (error) {
        throw json.explain(bytes, error);
      }
    },
  };
}

/** Writes what is plain by a writer of its own, and leaves the rest to `output`. */
function withPlainWriter(desc: DescMessage, output: LaneRoute['output']): LaneRoute['output'] {
  const write = createPlainWriter(desc);
  return write === undefined
    ? output
    : { serialize: (message) => write(message) ?? output.serialize(message) };
}
