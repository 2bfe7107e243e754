import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseDockerfile, type Stage, type Step } from './dockerfile.ts';
import { readDockerignore } from './dockerignore.ts';
import { layBase, runInStage } from './sandbox.ts';

/** The last stage, carried out. */
export interface Image {
  readonly stage: Stage;
  /** Its files, without those of the base image. */
  readonly root: string;
}

/** Carries out a Dockerfile in folders, as far as its last stage needs it. */
export function buildImage(context: string, folder: string, usrLocal: string): Image {
  const stages = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const isIgnored = readDockerignore(readFileSync(join(context, '.dockerignore'), 'utf8'));
  const roots = new Map<string, string>();
  for (const stage of stages) {
    const root = join(folder, `stage-${stage.name}`);
    mkdirSync(root, { recursive: true });
    const base = roots.get(stage.base);
    if (base === undefined) {
      layBase(root);
    } else {
      copyTree(base, root);
    }
    roots.set(stage.name, root);
    mkdirSync(join(root, stage.workdir), { recursive: true });
    for (const step of stage.steps) {
      process.stdout.write(`[${stage.name}] ${describe(step)}\n`);
      if (step.kind === 'run') {
        runInStage({ ...step, root, command: ['sh', '-c', step.command] }, usrLocal);
      } else {
        copy(step, root, step.from === undefined ? context : rootOf(roots, step.from), isIgnored);
      }
    }
  }
  const last = stages.at(-1);
  if (last === undefined) {
    throw new Error('the Dockerfile has no stage');
  }
  return { stage: last, root: rootOf(roots, last.name) };
}

/** The size of the files in a folder, in bytes. */
export function sizeOf(path: string): number {
  const stat = lstatSync(path);
  return stat.isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
    : stat.size;
}

function describe(step: Step): string {
  return step.kind === 'run'
    ? `RUN ${step.command}`
    : `COPY ${step.from === undefined ? '' : `--from=${step.from} `}${step.sources.join(' ')} ${step.target}`;
}

function rootOf(roots: ReadonlyMap<string, string>, name: string): string {
  const root = roots.get(name);
  if (root === undefined) {
    throw new Error(`no stage before this is called ${name}`);
  }
  return root;
}

/** COPY: a file goes into a folder or to a name, of a folder its content goes. All of it becomes root's. */
function copy(
  step: Extract<Step, { kind: 'copy' }>,
  root: string,
  source: string,
  isIgnored: (path: string) => boolean,
): void {
  const target = step.target.startsWith('/')
    ? join(root, step.target)
    : join(root, step.workdir, step.target);
  for (const name of step.sources) {
    const from = join(source, name);
    const isFolder = statSync(from).isDirectory();
    cpSync(from, isFolder || !/(^\.|\/)$/.test(step.target) ? target : join(target, basename(name)), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => {
        const inContext = relative(source, path);
        return step.from !== undefined || inContext === '' || !isIgnored(inContext);
      },
    });
  }
}

function copyTree(from: string, to: string): void {
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}
