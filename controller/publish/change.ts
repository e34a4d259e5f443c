/** What applying a manifest would change, asked of the API server by a dry run and shown as a difference of texts. */
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { type Applied, type Found, kindOf, type Objects } from './objects.ts';
import { InTheWay } from './place.ts';

/** The server's own bookkeeping. */
const UNTOLD = ['managedFields', 'resourceVersion', 'uid', 'generation', 'creationTimestamp', 'selfLink'];

/** Undefined: nothing. A field that another manager has is said in place of a difference. */
export async function changeOf(objects: Objects, manifest: Applied): Promise<string | undefined> {
  const { kind, metadata } = manifest;
  const name = `${kind} ${metadata.namespace}/${metadata.name}`;
  const before = await objects.get(kindOf(kind), metadata.namespace, metadata.name);
  try {
    const after = await objects.apply(manifest, { isDryRun: true });
    const [from, to] = [textOf(before), textOf(after)];
    if (from === to) return undefined;
    return createTwoFilesPatch(name, name, from, to, before ? 'in the cluster' : 'not there', 'as generated');
  } catch (error) {
    if (error instanceof InTheWay) return `${error.message}\n`;
    throw error;
  }
}

function textOf(object: Found | undefined): string {
  if (!object) return '';
  const metadata = Object.fromEntries(Object.entries(object.metadata).filter(([key]) => !UNTOLD.includes(key)));
  return stringify({ ...object, metadata }, { lineWidth: 0, sortMapEntries: true });
}
