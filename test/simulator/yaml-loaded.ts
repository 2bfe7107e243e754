// Run as a process of its own: makes the service with this process's environment, and prints whether that
// loaded a parser of YAML.
import { registerHooks } from 'node:module';

let isLoaded = false;
registerHooks({
  load(url, context, nextLoad) {
    isLoaded ||= url.includes('/node_modules/yaml/');
    return nextLoad(url, context);
  },
});

const { buildApp } = await import('../../src/app/app.ts');
const { loadConfig } = await import('../../src/app/config.ts');

const app = await buildApp(loadConfig(process.env));
await app.stop();
process.stdout.write(isLoaded ? 'loaded' : 'not loaded');
process.exit();
