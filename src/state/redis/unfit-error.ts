/** A Redis that must not be used; ends the start of the service. */
export class UnfitRedisError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnfitRedisError';
  }
}
