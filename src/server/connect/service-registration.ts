import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect';

/** A service and its handlers; one list of these is all that 8030 serves. */
export interface ServiceRegistration {
  readonly service: DescService;
  readonly handlers: Partial<ServiceImpl<DescService>>;
}

/** Pairs a service with its handlers, type-checked. */
export function registerService<T extends DescService>(
  service: T,
  handlers: Partial<ServiceImpl<T>>,
): ServiceRegistration {
  return { service, handlers };
}

/** Adds every service of the list to a Connect router. */
export function addServices(router: ConnectRouter, services: readonly ServiceRegistration[]): ConnectRouter {
  for (const { service, handlers } of services) {
    router.service(service, handlers);
  }
  return router;
}
