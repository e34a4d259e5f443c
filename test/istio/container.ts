/**
 * A container of an image, made of its layout by hand since there is no engine here: tar unpacks the layers, and the process is shut
 * into them as the image's user, with a root that is read only and /var/lib/weir as its volume. Only root may do that.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../deploy/images/layout.ts';

const VOLUME = 'var/lib/weir';
/** Values of the environment have no white space here. */
const ENTER = `
root=$1 volume=$2 user=$3 pairs=$4; shift 4
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$volume" "$root/${VOLUME}"
mount -o remount,bind,ro "$root"
exec env -i $pairs "$(command -v chroot)" --userspec="$user" "$root" "$@"`;

export const mayEnter = process.getuid?.() === 0;

export class Container {
  readonly root: string;
  readonly run: Run;
  private readonly volume: string;

  /** @param layout folder of it @param folder where it is unpacked, made here */
  constructor(layout: string, folder: string) {
    const read = (digest: string) => join(layout, 'blobs', ...digest.split(':'));
    const parse = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
    const manifest = parse(read(parse(join(layout, 'index.json')).manifests[0].digest));
    const config = parse(read(manifest.config.digest));
    this.run = config.config;
    this.root = join(folder, 'root');
    this.volume = join(folder, 'volume');
    mkdirSync(this.root, { recursive: true });
    for (const { digest } of manifest.layers) {
      execFileSync('tar', ['--extract', '--gzip', '--file', read(digest), '--directory', this.root]);
    }
    mkdirSync(join(this.root, VOLUME), { recursive: true });
    mkdirSync(this.volume);
    chownSync(this.volume, this.userId, this.userId);
  }

  /** Puts a file into the volume, for its user alone. @returns its path inside */
  put(name: string, text: string): string {
    writeFileSync(join(this.volume, name), text, { mode: 0o600 });
    chownSync(join(this.volume, name), this.userId, this.userId);
    return `/${VOLUME}/${name}`;
  }

  /** Arguments of `unshare` that run the image's command with these of its own. */
  command(args: readonly string[], environment: Readonly<Record<string, string>> = {}): string[] {
    return this.enter([...this.run.Entrypoint, ...args], environment);
  }

  /** Arguments of `unshare` that run a script in the image's Node. */
  script(text: string): string[] {
    return this.enter([this.run.Entrypoint[0] ?? '', '--eval', text], {});
  }

  private enter(command: readonly string[], environment: Readonly<Record<string, string>>): string[] {
    const pairs = [...this.run.Env, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
    const shell = ['--mount', '--propagation', 'private', 'sh', '-ec', ENTER, 'sh'];
    return [...shell, this.root, this.volume, this.run.User, pairs.join(' '), ...command];
  }

  private get userId(): number {
    return Number(this.run.User.split(':')[0]);
  }
}
