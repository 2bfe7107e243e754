import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../deploy/dryrun/dockerfile.ts';
import { readDockerignore } from '../../deploy/dryrun/dockerignore.ts';
import { loadConfig } from '../../src/app/config.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  version: string;
  devDependencies: { node: string };
};
const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8');
const stages = parseDockerfile(dockerfile);
const [base, image] = [stages[0], stages.at(-1)];
const isIgnored = readDockerignore(readFileSync(`${root}.dockerignore`, 'utf8'));

describe('Dockerfile', () => {
  test('has the Node that the project is tested with', () => {
    expect(base?.base).toBe(`node:${manifest.devDependencies.node}-bookworm-slim`);
    expect(image?.labels['org.opencontainers.image.base.name']).toBe(`docker.io/library/${base?.base}`);
    expect(stages.slice(1).map((stage) => stage.base)).toEqual(stages.slice(1).map(() => 'base'));
  });

  test('runs what there is, without privileges, on the ports of the configuration', () => {
    const { grpcPort, healthPort } = loadConfig({});
    expect(image).toMatchObject({
      user: '1001:1001',
      ports: [grpcPort, healthPort],
      entrypoint: ['node', 'dist/main.js'],
      command: ['start'],
      healthcheck: ['node', 'dist/main.js', 'status'],
    });
    // Those that a step of the build imports are named in its command line alone.
    const scripts = [...dockerfile.matchAll(/\bdist\/[\w/-]+\.js/g)].map(([script]) => script);
    expect(scripts).toContain('dist/cli/commands/run-worker.js');
    for (const script of scripts) {
      expect(existsSync(root + script.replace('dist/', 'src/').replace('.js', '.ts')), script).toBe(true);
    }
    expect(image?.labels['org.opencontainers.image.version']).toBe(manifest.version);
  });

  test('copies what the .dockerignore lets in', () => {
    const copied = stages
      .flatMap(({ steps }) => steps)
      .flatMap((step) => (step.kind === 'copy' && step.from === undefined ? step.sources : []));
    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => isIgnored(path) || !existsSync(root + path))).toEqual([]);
  });

  test('keeps everything else out of the build', () => {
    for (const path of ['.env', '.git/config', 'node_modules/pino/pino.js', 'test/x.ts', 'dev/dev.ts']) {
      expect(isIgnored(path), path).toBe(true);
    }
  });
});

describe('reader of Dockerfiles', () => {
  test('joins lines, expands variables, and inherits', () => {
    const [, last] = parseDockerfile(`
      FROM node AS one
      ENV A=1 B="two words"
      WORKDIR /app
      # a comment
      FROM one
      ARG VERSION=3
      WORKDIR sub
      LABEL v="\${VERSION}" \\
            a=$A
      RUN echo a && \\
          echo b
    `);
    expect(last).toMatchObject({
      workdir: '/app/sub',
      labels: { v: '3', a: '1' },
      env: { A: '1', B: 'two words' },
    });
    expect(last?.steps).toMatchObject([
      { kind: 'run', workdir: '/app/sub', env: { A: '1', B: 'two words', VERSION: '3' } },
    ]);
  });

  test.each([
    ['VOLUME /data', 'line 2: VOLUME is not known'],
    ['CMD node dist/main.js', 'line 2: CMD must be in the exec form'],
    ['COPY --link a b', 'line 2: COPY has an option that is not known to this reader: --link'],
    ['USER app', 'line 2: USER must be uid:gid'],
    ['STOPSIGNAL SIGINT', 'line 2: STOPSIGNAL must be SIGTERM'],
  ])('refuses %s', (line, message) => {
    expect(() => parseDockerfile(`FROM node\n${line}`)).toThrow(message);
  });
});

test.each([
  ['*.md', 'a.md', true],
  ['*.md', 'docs/a.md', false],
  ['**/*.md', 'docs/a.md', true],
  ['docs', 'docs/deep/a.md', true],
  ['docs/\n!docs/a.md', 'docs/a.md', false],
  ['# *', 'a', false],
  ['a?', 'ab', true],
])('.dockerignore %j and %s', (text, path, expected) => {
  expect(readDockerignore(text)(path)).toBe(expected);
});
