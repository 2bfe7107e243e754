/** One instruction that changes a stage's files, in order. */
export type Step =
  | {
      readonly kind: 'copy';
      readonly from: string | undefined;
      readonly sources: readonly string[];
      readonly target: string;
      readonly workdir: string;
    }
  | {
      readonly kind: 'run';
      readonly command: string;
      readonly workdir: string;
      readonly env: Variables;
      readonly user: string;
    };

type Variables = Readonly<Record<string, string>>;

/** A stage of a Dockerfile, with all that it has from the stage it is based on but that stage's files. */
export interface Stage {
  readonly name: string;
  /** An earlier stage's name, or an image. */
  readonly base: string;
  readonly steps: readonly Step[];
  readonly env: Variables;
  readonly labels: Variables;
  readonly workdir: string;
  /** `uid:gid`. */
  readonly user: string;
  readonly ports: readonly number[];
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[] | undefined;
}

type Draft = { -readonly [Key in keyof Stage]: Stage[Key] } & { arguments: Variables };

/**
 * Reads the Dockerfile's instructions that this project uses.
 *
 * @throws Error that names the line of anything else, so that nothing is passed over in silence.
 */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: Draft[] = [];
  for (const { line, keyword, rest } of instructions(text)) {
    try {
      if (keyword === 'FROM') {
        stages.push(newStage(rest, stages));
      } else {
        const stage = stages.at(-1);
        if (stage === undefined) {
          throw new Error('comes before FROM');
        }
        apply(stage, keyword, rest);
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw new Error(`Dockerfile line ${line}: ${keyword} ${problem}`, { cause: error });
    }
  }
  return stages;
}

function instructions(text: string) {
  const found: { line: number; keyword: string; rest: string }[] = [];
  let open: { line: number; text: string } | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) {
      continue;
    }
    const { line, text: before } = open ?? { line: index + 1, text: '' };
    const joined = before + raw.replace(/\\\s*$/, '');
    open = raw.trimEnd().endsWith('\\') ? { line, text: joined } : undefined;
    if (open === undefined) {
      const [, keyword = '', rest = ''] = /^\s*(\w+)\s+(.*\S)\s*$/s.exec(joined) ?? [];
      found.push({ line, keyword: keyword.toUpperCase(), rest });
    }
  }
  return found;
}

function newStage(rest: string, stages: readonly Draft[]): Draft {
  const match = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest);
  if (match?.[1] === undefined) {
    throw new Error('must be FROM image [AS name]');
  }
  const [, base, name = String(stages.length)] = match;
  const parent = stages.find((stage) => stage.name === base);
  return {
    name,
    base,
    steps: [],
    env: parent?.env ?? {},
    labels: parent?.labels ?? {},
    workdir: parent?.workdir ?? '/',
    user: parent?.user ?? '0:0',
    ports: parent?.ports ?? [],
    entrypoint: parent?.entrypoint ?? [],
    command: parent?.command ?? [],
    healthcheck: parent?.healthcheck,
    arguments: {},
  };
}

function apply(stage: Draft, keyword: string, rest: string): void {
  const expand = (value: string) => expandVariables(value, { ...stage.arguments, ...stage.env });
  switch (keyword) {
    case 'ARG': {
      const [name = '', ...value] = rest.split('=');
      stage.arguments = { ...stage.arguments, [name]: expand(value.join('=')) };
      break;
    }
    case 'ENV':
      stage.env = { ...stage.env, ...pairs(rest, expand) };
      break;
    case 'LABEL':
      stage.labels = { ...stage.labels, ...pairs(rest, expand) };
      break;
    case 'WORKDIR':
      stage.workdir = absolute(expand(rest), stage.workdir);
      break;
    case 'USER':
      if (!/^\d+:\d+$/.test(rest)) {
        throw new Error('must be uid:gid, in numbers: the image has no such user by name');
      }
      stage.user = rest;
      break;
    case 'EXPOSE':
      stage.ports = [...stage.ports, ...rest.split(/\s+/).map(Number)];
      break;
    case 'ENTRYPOINT':
      stage.entrypoint = execForm(rest);
      break;
    case 'CMD':
      stage.command = execForm(rest);
      break;
    case 'HEALTHCHECK':
      stage.healthcheck = execForm(rest.replace(/^(--\S+\s+)*CMD\s+/, ''));
      break;
    case 'STOPSIGNAL':
      if (rest !== 'SIGTERM') {
        throw new Error('must be SIGTERM, which is what the processes handle');
      }
      break;
    case 'COPY':
      stage.steps = [...stage.steps, copyStep(expand(rest), stage.workdir)];
      break;
    case 'RUN': {
      const env = { ...stage.arguments, ...stage.env };
      stage.steps = [
        ...stage.steps,
        { kind: 'run', command: rest, workdir: stage.workdir, env, user: stage.user },
      ];
      break;
    }
    default:
      throw new Error('is not known to this reader');
  }
}

function copyStep(rest: string, workdir: string): Step {
  const words = rest.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--'));
  const unknown = flags.find((flag) => !/^--(from=.+|chown=0:0)$/.test(flag));
  if (unknown !== undefined) {
    throw new Error(`has an option that is not known to this reader: ${unknown}`);
  }
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = paths.pop();
  if (target === undefined || paths.length === 0) {
    throw new Error('needs a source and a target');
  }
  const from = flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length);
  return { kind: 'copy', from, sources: paths, target, workdir };
}

function pairs(rest: string, expand: (value: string) => string): Variables {
  const found = [...rest.matchAll(/([\w.-]+)=(?:"([^"]*)"|(\S+))/g)];
  return Object.fromEntries(
    found.map(([, name = '', quoted, plain = '']) => [name, expand(quoted ?? plain)]),
  );
}

function expandVariables(text: string, variables: Variables): string {
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (_all, braced?: string, plain?: string) => {
    return variables[braced ?? plain ?? ''] ?? '';
  });
}

/** Exec form only: with the shell form a shell would be process 1 and keep signals to itself. */
function execForm(rest: string): readonly string[] {
  const parsed: unknown = rest.startsWith('[') ? JSON.parse(rest) : undefined;
  if (!Array.isArray(parsed) || !parsed.every((word) => typeof word === 'string')) {
    throw new Error('must be in the exec form, a JSON array of strings');
  }
  return parsed;
}

function absolute(path: string, workdir: string): string {
  return path.startsWith('/') ? path : `${workdir.replace(/\/$/, '')}/${path}`;
}
