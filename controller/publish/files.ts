/**
 * Manifests as files in a folder, for whoever has a tool of their own bring them into a cluster. A file is replaced as a whole, and
 * only where it says something else than before; files that Weir has not made are never touched.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { isOurs } from '../generate/labels.ts';
import { fileNameOf, isWritable, type Manifest, manifestText } from '../generate/manifests.ts';
import type { AdaptiveRoute } from '../routes/route.ts';
import { InTheWay, type Orphan, type Place } from './place.ts';
import type { Plan } from './plan.ts';
import { replaceFile } from './replace-file.ts';

export class Files implements Place {
  readonly name: string;
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.name = `folder ${folder}`;
  }

  async put({ route }: Plan, manifests: readonly Manifest[]): Promise<boolean> {
    const { adopt } = route.spec;
    if (adopt) {
      const message = `spec.adopt names VirtualService ${adopt.virtualService}, and files cannot change what is in a cluster; take spec.adopt out, and the host out of that VirtualService`;
      throw new InTheWay('CannotAdopt', message);
    }
    const path = join(this.folder, fileNameOf(route));
    if (existsSync(path) && !isMadeByWeir(readFileSync(path, 'utf8'))) {
      throw new InTheWay('NotOurs', `${path} is not a file of Weir's; move it away`);
    }
    replaceFile(path, manifestText(manifests));
    return true;
  }

  async orphans(kept: readonly AdaptiveRoute[]): Promise<readonly Orphan[]> {
    if (!existsSync(this.folder)) return [];
    const stay = new Set(kept.filter(isWritable).map(fileNameOf));
    return readdirSync(this.folder)
      .filter((file) => file.endsWith('.yaml') && !stay.has(file))
      .map((file) => join(this.folder, file))
      .filter((path) => isMadeByWeir(readFileSync(path, 'utf8')))
      .map((path) => ({ name: path, isNamedByOthers: false, remove: async () => rmSync(path) }));
  }
}

function isMadeByWeir(text: string): boolean {
  const documents = parseAllDocuments(text).map((document) => document.toJS() as unknown);
  return documents.length > 0 && documents.every(isOurs);
}
