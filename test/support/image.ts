import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * Builds what an image would hold by the steps of its Dockerfile, and runs programs in it: in a separate root folder, by
 * mounts that only the process sees. The base image is this machine's own /usr and /etc, and its user `node` is added.
 */

/** The user `node` of the Node images. */
const NODE_USER = 1000;

/** What this machine lacks for it, in a clause. */
export function findMissingForImages(): string | undefined {
  if (process.platform !== 'linux') return 'containers are built on Linux only';
  if (process.getuid?.() !== 0) return 'only root may mount the file tree of an image';
  const folder = mkdtempSync(join(tmpdir(), 'image mount '));
  const tried = unshare([
    'sh',
    '-c',
    'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"',
    'sh',
    folder,
  ]);
  rmSync(folder, { recursive: true });
  return tried.status === 0 ? undefined : 'this machine does not let root mount folders';
}

function unshare(command: string[], env?: NodeJS.ProcessEnv) {
  const args = ['--mount', '--propagation', 'private', ...command];
  return spawnSync('unshare', args, { encoding: 'utf8', ...(env === undefined ? {} : { env }) });
}

/** The result of a Dockerfile: its file tree and the settings of its last stage. */
export interface Image {
  root: string;
  env: Record<string, string>;
  workdir: string;
  user: string;
  command: string[];
  /** Folders that a container gets as volumes. */
  volumes: string[];
  remove: () => void;
}

type Stage = Omit<Image, 'remove'>;

/** Runs the steps of a Dockerfile. `context` is the folder that it copies from; the file's .dockerignore applies. */
export function buildImage(dockerfile: string, context: string): Image {
  const home = mkdtempSync(join(tmpdir(), 'image-'));
  chmodSync(home, 0o755); // another user goes through it
  const sent = listSentFiles(context, readFileSync(`${dockerfile}.dockerignore`, 'utf8'));
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { name, rest } of readSteps(readFileSync(dockerfile, 'utf8'))) {
    if (name === 'FROM') {
      const title = /\bAS (\S+)$/i.exec(rest)?.[1] ?? 'last';
      stage = makeStage(join(home, title));
      stages.set(title, stage);
    }
    if (stage === undefined) continue; // an ARG before the first FROM
    if (name === 'WORKDIR')
      mkdirSync(join(stage.root, (stage.workdir = rest)), { recursive: true });
    if (name === 'ENV') Object.assign(stage.env, readPairs(rest));
    if (name === 'USER') stage.user = rest;
    if (name === 'VOLUME') stage.volumes.push(rest);
    if (name === 'CMD') stage.command = JSON.parse(rest) as string[];
    if (name === 'COPY') copy(rest, stage, { context, sent, stages });
    if (name === 'RUN') runStep(stage, rest);
  }
  return { ...stage!, remove: () => rmSync(home, { recursive: true, force: true }) };
}

/** The instructions of a Dockerfile, with continued lines joined. */
function readSteps(text: string): { name: string; rest: string }[] {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name, rest };
    });
}

function readPairs(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/(\w+)=(\S*)/g)].map(([, name, value]) => [name, value]);
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, value!.startsWith('$') ? '' : value]),
  );
}

/** The files of the context that are sent to the builder: those of git, without those that the rules leave out. */
function listSentFiles(context: string, rules: string): string[] {
  const isSent = readIgnoreRules(rules);
  const list = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: context,
    encoding: 'utf8',
  });
  return list.stdout
    .split('\n')
    .filter((file) => file !== '' && isSent(file) && existsSync(join(context, file)));
}

/** Whether a file of the context is sent to the builder. The last rule that matches a path or a folder above decides. */
function readIgnoreRules(text: string): (path: string) => boolean {
  const rules = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const pattern = line.replace(/^!/, '').replaceAll('.', '\\.');
      const regex = pattern.replaceAll('**/', '(.+/)?').replaceAll(/(?<!\.)\*/g, '[^/]*');
      return { sent: line.startsWith('!'), regex: new RegExp(`^${regex}(/|$)`) };
    });
  return (path) => rules.findLast(({ regex }) => regex.test(path))?.sent ?? true;
}

/** The folders of this machine that are the base image. */
const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt'];

function makeStage(root: string): Stage {
  for (const folder of [
    'tmp',
    'proc',
    'dev',
    'run',
    'var/lib',
    homedir(),
    dirname(process.execPath),
  ])
    mkdirSync(join(root, folder), { recursive: true });
  for (const folder of SYSTEM.filter(existsSync)) {
    if (lstatSync(folder).isSymbolicLink()) symlinkSync(readlinkSync(folder), join(root, folder));
    else mkdirSync(join(root, folder), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  const users = ['passwd', 'group'] as const;
  for (const file of users) {
    const lines = readFileSync(`/etc/${file}`, 'utf8').replaceAll(
      /^[^:]+:[^:]*:1000:.*\n|^node:.*\n/gm,
      '',
    );
    const fields =
      file === 'passwd' ? `${NODE_USER}:${NODE_USER}::/home/node:/bin/sh` : `${NODE_USER}:`;
    writeFileSync(join(root, `.${file}`), `${lines}node:x:${fields}\n`);
  }
  return { root, env: {}, workdir: '/', user: 'root', command: [], volumes: [] };
}

interface Places {
  context: string;
  /** The files of the context that are sent. */
  sent: readonly string[];
  stages: ReadonlyMap<string, Stage>;
}

function copy(rest: string, stage: Stage, { context, sent, stages }: Places): void {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = resolve('/', stage.workdir, paths.pop()!);
  const base = from === undefined ? context : stages.get(from)!.root;
  for (const path of paths) {
    const into = join(stage.root, target);
    mkdirSync(into, { recursive: true });
    if (from !== undefined) {
      const source = join(base, path);
      const whole = lstatSync(source).isDirectory() ? `${source}/.` : source;
      must(spawnSync('cp', ['-a', whole, into], { encoding: 'utf8' }), rest);
      continue;
    }
    const files = sent.filter((file) => path === '.' || file === path);
    const given = { cwd: context, encoding: 'utf8', input: files.join('\n') } as const;
    const pack = 'tar --create --files-from=- | tar --extract --no-same-owner --directory "$1"';
    must(spawnSync('sh', ['-c', pack, 'sh', into], given), rest);
  }
}

function must({ status, stderr, stdout }: ReturnType<typeof unshare>, step: string): void {
  if (status !== 0) throw new Error(`${step}: exit code ${status}\n${stdout}${stderr}`);
}

/** npm's settings of this machine, and the network's. */
const PASSED =
  /^(npm_config_(registry|userconfig|globalconfig|cache|cafile)|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|(https?|no)_proxy)$/i;

function runStep(stage: Stage, step: string): void {
  const passed = Object.entries(process.env).filter(([name]) => PASSED.test(name));
  const env = {
    ...Object.fromEntries(passed),
    ...stage.env,
    PATH: process.env['PATH'],
    HOME: homedir(),
    npm_config_prefer_offline: 'true',
  };
  const script = [
    ...mountBase(stage.root),
    `mount --bind ${quote(homedir())} ${quote(join(stage.root, homedir()))}`,
    `exec chroot ${quote(stage.root)} /bin/sh -c ${quote(`cd ${stage.workdir} && ${step}`)}`,
  ];
  must(unshare(['sh', '-euc', script.join('\n')], env), step);
}

function mountBase(root: string): string[] {
  const node = dirname(process.execPath);
  const folders = [...SYSTEM, ...(node.startsWith('/usr/') ? [] : [node])];
  const at = (path: string): string => quote(join(root, path));
  return [
    `mount --bind ${quote(root)} ${quote(root)}`,
    ...folders
      .filter((folder) => existsSync(folder) && !lstatSync(folder).isSymbolicLink())
      .map((folder) => `mount --rbind ${quote(folder)} ${at(folder)}`),
    ...['passwd', 'group'].map((file) => `mount --bind ${at(`.${file}`)} ${at(`/etc/${file}`)}`),
    ...['/proc', '/dev'].map((folder) => `mount --rbind ${folder} ${at(folder)}`),
  ];
}

/**
 * The command line that runs a program in the image as a container would with `read_only`, `tmpfs: /tmp` and
 * `cap_drop: [ALL]`: as the image's user, without rights, in a file tree that nobody can write but for its volumes.
 * @param volumes folders of this machine by their place in the container
 */
export function enterImage(
  { root, workdir, user }: Image,
  command: readonly string[],
  { volumes, cwd = workdir }: { volumes: Record<string, string>; cwd?: string | undefined },
): string[] {
  const who = ['--reuid', user, '--regid', user, '--clear-groups', '--no-new-privs'];
  const caps = ['--bounding-set=-all', '--inh-caps=-all'];
  const run = ['setpriv', ...who, ...caps, ...command].map(quote).join(' ');
  const script = [
    ...mountBase(root),
    ...Object.entries(volumes).map(
      ([at, folder]) => `mount --bind ${quote(folder)} ${quote(join(root, at))}`,
    ),
    `mount -t tmpfs tmpfs ${quote(join(root, 'tmp'))}`,
    `mount -o remount,ro,bind ${quote(root)}`,
    `exec chroot ${quote(root)} /bin/sh -c ${quote(`cd ${cwd} && exec ${run}`)}`,
  ];
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-euc', script.join('\n')];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
