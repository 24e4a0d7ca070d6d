/**
 * Reads the part of Terraform's language that deploy/terraform needs: blocks, and attributes in one line or
 * in a list over several.
 *
 * @module
 */

/** A block with its labels: `resource "aws_dynamodb_table" "leases" { … }`. */
export interface Block {
  readonly head: string;
  /** As they are written. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly blocks: readonly Block[];
}

/**
 * The blocks of a file.
 *
 * @throws {SyntaxError} where braces or brackets do not fit together.
 */
export function blocksOf(text: string): Block[] {
  const top: Block[] = [];
  const open: { head: string; attributes: Map<string, string>; blocks: Block[] }[] = [];
  let list: { readonly key: string; value: string } | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^\s*#.*$/, "").trim();
    const refuse = (what: string) => new SyntaxError(`line ${index + 1} ${what}: ${line}`);
    const here = open.at(-1);
    if (line === "") continue;
    if (list !== undefined) {
      list.value += line;
      if (!/^[\]}]$/.test(line)) continue;
      here?.attributes.set(list.key, list.value);
      list = undefined;
      continue;
    }
    const [, key, value = ""] = /^(\w+)\s*=\s*(.+)$/.exec(line) ?? [];
    if (key !== undefined && here === undefined) throw refuse("stands in no block");
    if (key !== undefined && /^[[{]$/.test(value)) list = { key, value };
    else if (key !== undefined && !isBalanced(value)) throw refuse("is not closed");
    else if (key !== undefined) here?.attributes.set(key, value);
    else if (line === "}") {
      const done = open.pop();
      if (done === undefined) throw refuse("closes nothing");
      (open.at(-1)?.blocks ?? top).push(done);
    } else if (/^\w+(?: "[\w-]+")* \{$/.test(line)) {
      open.push({ head: line.slice(0, -2), attributes: new Map(), blocks: [] });
    } else throw refuse("is neither a block nor an attribute");
  }
  if (open.length > 0 || list !== undefined) {
    throw new SyntaxError(`not closed: ${list?.key ?? open.at(-1)?.head}`);
  }
  return top;
}

/** The texts of an attribute: one, or a list of them. */
export function texts(value = ""): string[] {
  return [...value.matchAll(/"([^"]*)"/g)].map(([, text = ""]) => text);
}

function isBalanced(value: string): boolean {
  const open: string[] = [];
  for (const [character] of value.replace(/"[^"]*"/g, "").matchAll(/[[\](){}]/g)) {
    if ("[({".includes(character)) open.push(character);
    else if (`${open.pop()}${character}`.match(/^(?:\[\]|\(\)|\{\})$/) === null) return false;
  }
  return open.length === 0;
}
