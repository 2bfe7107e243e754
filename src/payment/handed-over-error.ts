/** This process ends before its work is done, and another one will do it. */
export class HandedOverError extends Error {
  constructor() {
    super('this process is ending; another one takes over');
    this.name = 'HandedOverError';
  }
}
