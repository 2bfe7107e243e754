// Preloaded into the service (`--import`): collects garbage on SIGUSR2, so that a test can tell what is held.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: object) => void;

process.on('SIGUSR2', () => {
  // Twice: what the first frees may have held on to more through finalizers.
  collect({ type: 'major', flavor: 'last-resort' });
  setImmediate(() => collect({ type: 'major', flavor: 'last-resort' }));
});
