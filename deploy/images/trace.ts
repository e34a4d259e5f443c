/**
 * Which compiled modules and which packages a program needs, by following what its modules import. So an image carries what it runs, and
 * who adds an import need not know that there are images.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { CannotBuild } from './errors.ts';

export interface Needed {
  /** Paths below the root, in order. */
  readonly modules: readonly string[];
  /** Names, in order. */
  readonly packages: readonly string[];
}

/**
 * @param root folder of the compiled modules
 * @param entry path below it
 * @param isFollowed whether what a module imports only when it comes to it is needed
 * @throws CannotBuild where an import cannot be followed
 */
export async function neededBy(root: string, entry: string, isFollowed: (module: string) => boolean): Promise<Needed> {
  await init();
  const modules = new Set([entry]);
  const packages = new Set<string>();
  // A set is walked in the order of what is added to it, what is added meanwhile included.
  for (const module of modules) {
    for (const specifier of importsOf(root, module, isFollowed(module))) {
      if (specifier.startsWith('.')) modules.add(posix.normalize(posix.join(dirname(module), specifier)));
      else if (!specifier.startsWith('node:')) packages.add(packageOf(specifier));
    }
  }
  return { modules: [...modules].sort(), packages: [...packages].sort() };
}

function importsOf(root: string, module: string, areDynamicFollowed: boolean): readonly string[] {
  let text: string;
  try {
    text = readFileSync(join(root, module), 'utf8');
  } catch (error) {
    throw new CannotBuild(`${module} cannot be read; npm run build makes it (${(error as Error).message})`);
  }
  const [imports] = parse(text, module);
  return imports.flatMap((each) => {
    if (each.type === 'import-meta' || (each.type === 'dynamic' && !areDynamicFollowed)) return [];
    if (each.specifier !== undefined && !(each.type === 'dynamic' && each.glob)) return [each.specifier];
    throw new CannotBuild(
      `${module} computes what it imports (${text.slice(each.importStart, each.importEnd)}); images can only follow an import of a plain string`,
    );
  });
}

/** `@kubernetes-models/istio/extensions.istio.io/v1alpha1` is of @kubernetes-models/istio. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
