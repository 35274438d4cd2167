/** A tree in lines. */

export interface Branch {
  readonly text: string;
  readonly children?: readonly Branch[];
}

/** The lines below a heading. */
export function treeOf(branches: readonly Branch[]): readonly string[] {
  return branches.flatMap(({ text, children = [] }, index) => {
    const isLast = index === branches.length - 1;
    return [`${isLast ? "└─" : "├─"} ${text}`, ...treeOf(children).map((line) => `${isLast ? "  " : "│ "} ${line}`)];
  });
}
