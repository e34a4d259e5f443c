/**
 * OCI image layouts: a folder that any OCI client takes. https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 * The same image is the same bytes; what gzip makes of the same layer may differ between versions of Node, its diff id does not.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Entry, inOrder } from './entries.ts';
import { CannotBuild } from './errors.ts';
import { writeTar } from './tar.ts';

const MEDIA_TYPES = {
  config: 'application/vnd.oci.image.config.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
} as const;

export interface Layer {
  readonly bytes: Buffer;
  /** Of the archive before it was compressed. */
  readonly diffId: string;
  /** What is in it, for its history. */
  readonly what: string;
}

/** How a container of it runs, in the words of the OCI image configuration. */
export interface Run {
  readonly User: string;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface Image {
  readonly architecture: string;
  readonly os: string;
  /** Absent where nothing of it runs by itself. */
  readonly run?: Run;
  readonly layers: readonly Layer[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly tag: string;
  /** s since 1970 */
  readonly epochS: number;
}

export async function layerOf(entries: readonly Entry[], what: string, epochS: number): Promise<Layer> {
  const archive = await writeTar(inOrder(entries), epochS);
  return { bytes: await promisify(gzip)(archive), diffId: digestOf(archive), what };
}

/**
 * Writes the layout, all of it or nothing; one that is there already is replaced.
 * @returns digest of its manifest, and bytes of all blobs
 * @throws CannotBuild when something else is there
 */
export function writeLayout(folder: string, image: Image): { readonly digest: string; readonly sizeBytes: number } {
  if (existsSync(folder) && !existsSync(join(folder, 'oci-layout')) && readdirSync(folder).length > 0) {
    throw new CannotBuild(`${folder} is there and is no image layout; name another folder, or remove it`);
  }
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(join(part, 'blobs', 'sha256'), { recursive: true });
  let sizeBytes = 0;
  const keep = (mediaType: string, bytes: Buffer) => {
    const digest = digestOf(bytes);
    writeFileSync(join(part, 'blobs', ...digest.split(':')), bytes);
    sizeBytes += bytes.length;
    return { mediaType, digest, size: bytes.length };
  };
  const manifest = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest,
    config: keep(MEDIA_TYPES.config, json(configOf(image))),
    layers: image.layers.map(({ bytes }) => keep(MEDIA_TYPES.layer, bytes)),
    annotations: image.annotations,
  });
  const descriptor = keep(MEDIA_TYPES.manifest, manifest);
  const named = { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': image.tag } };
  writeFileSync(join(part, 'index.json'), json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests: [named] }));
  writeFileSync(join(part, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  return { digest: descriptor.digest, sizeBytes };
}

function configOf({ architecture, os, run, layers, epochS }: Image): object {
  const created = new Date(epochS * 1000).toISOString();
  return {
    created,
    architecture,
    os,
    ...(run && { config: run }),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ what }) => ({ created, created_by: what })),
  };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
