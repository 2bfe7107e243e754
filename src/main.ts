#!/usr/bin/env node
import './base/end-on-old-node.ts';
// The default, because a name that an old Node does not have ends the process before anything is checked.
import nodeModule from 'node:module';

// Names of webhook receivers are resolved in half of libuv's threads. Of its usual four, two names with
// silent name servers would hold up all the others. It reads this when it first needs a thread.
process.env['UV_THREADPOOL_SIZE'] ??= '32';

// Half of the start is compiling; from the second start on it is read from Node's cache. Everything
// else is imported after this, because imports come first whatever stands above them.
nodeModule.enableCompileCache();
const { runPaymentSim } = await import('./cli/program.ts');
await runPaymentSim(process.argv.slice(2));
