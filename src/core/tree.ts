/**
 * Parameter trees: plain nested objects and arrays whose leaves are tensors (or their specs).
 * The dotted path of a leaf ("inBlocks.0.attn.qkv.weight") is its name in a weight file.
 */

/** A nested structure of objects and arrays with leaves of type T. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> | undefined };

/** Leaves of `tree` by dotted name, in order of appearance; `undefined` branches (absent optional parts) are left out. */
export function flattenTree<T>(tree: Tree<T>, isLeaf: (node: unknown) => node is T): Record<string, T> {
  const flat: Record<string, T> = {};
  const visit = (node: unknown, path: string): void => {
    if (node === undefined) return;
    if (isLeaf(node)) {
      flat[path] = node;
      return;
    }
    for (const [key, child] of Object.entries(node as object)) visit(child, path === '' ? key : `${path}.${key}`);
  };
  visit(tree, '');
  return flat;
}

/** A tree of the same structure with every leaf replaced by `f(leaf, dottedName)`. */
export function mapTree<T, U>(
  tree: Tree<T>,
  isLeaf: (node: unknown) => node is T,
  f: (leaf: T, name: string) => U,
): Tree<U> {
  const visit = (node: unknown, path: string): unknown => {
    if (node === undefined) return undefined;
    if (isLeaf(node)) return f(node, path);
    const child = (key: string | number, value: unknown) => visit(value, path === '' ? `${key}` : `${path}.${key}`);
    if (Array.isArray(node)) return node.map((value, index) => child(index, value));
    return Object.fromEntries(Object.entries(node as object).map(([key, value]) => [key, child(key, value)]));
  };
  return visit(tree, '') as Tree<U>;
}
