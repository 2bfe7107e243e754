import { join } from 'node:path';
import { keptInstall, runInstall } from './kept-install.ts';
import { type StandIn, startStandIn } from './stand-in-process.ts';

const requirements = join(import.meta.dirname, 'requirements.txt');
const wanted = { name: 'moto', list: requirements, version: /^moto\S*==(\S+)/m, proof: 'bin/python' };

/** moto as a server: EventBridge and SQS in one process, in memory. */
export async function startMoto(): Promise<StandIn> {
  const venv = await keptInstall(wanted, async (folder) => {
    await runInstall('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await runInstall(join(folder, 'bin/python'), [...pip, '-r', requirements]);
  });
  // Not venv/bin/moto_server, whose first line names the folder that the venv was made in.
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'];
  return await startStandIn(join(venv, 'bin/python'), args, /Running on http:\/\/127\.0\.0\.1:(\d+)/);
}
