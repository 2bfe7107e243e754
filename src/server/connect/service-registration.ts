import type { DescMethodUnary, DescService } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createServiceImplSpec,
  type MethodImpl,
  type ServiceImpl,
} from '@connectrpc/connect';
import type { FieldHints } from './json-request-check.ts';
import { refuseLateCall } from '../transport/call-timeout.ts';
import { createRequestJson } from './request-json.ts';

type UnaryImpl = MethodImpl<DescMethodUnary>;

/** A service and its handlers; one list of these is all that 8030 serves. */
export interface ServiceRegistration {
  readonly service: DescService;
  readonly handlers: Partial<ServiceImpl<DescService>>;
  /** For the errors about JSON that cannot be decoded. */
  readonly hints: FieldHints;
  /** Unary methods whose answer may take long: over HTTP/1.1 they end soon after their caller has gone. */
  readonly lasting: readonly string[];
}

/** Pairs a service with its handlers, type-checked. */
export function registerService<T extends DescService>(
  service: T,
  handlers: Partial<ServiceImpl<T>>,
  hints: FieldHints = {},
  lasting: readonly string[] = [],
): ServiceRegistration {
  return { service, handlers, hints, lasting };
}

/** Adds every method of the list to a Connect router. */
export function addServices(
  router: ConnectRouter,
  services: readonly ServiceRegistration[],
  jsonOptions: ConnectRouterOptions['jsonOptions'],
): ConnectRouter {
  for (const { service, handlers, hints } of services) {
    for (const spec of Object.values(createServiceImplSpec(service, handlers).methods)) {
      const { method } = spec;
      const impl = spec.kind === 'unary' ? inTime(spec.impl) : spec.impl;
      router.rpc(method, impl, { jsonOptions: createRequestJson(method.input, jsonOptions, hints).checked });
    }
  }
  return router;
}

/** The implementation for calls whose deadline has not passed; the lane does the same. */
function inTime(impl: UnaryImpl): UnaryImpl {
  return (request, context) => {
    const late = refuseLateCall(context.timeoutMs());
    if (late !== undefined) {
      throw late;
    }
    return impl(request, context);
  };
}
