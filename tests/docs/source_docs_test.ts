import { assertEquals, assertThrows } from "@std/assert";
import { docOfExport, interfaceFields, unionMembers } from "../../docs/source_docs.ts";

const SOURCE = `/** What happens. */
export type Happening =
  /**
   * It began,
   * once.
   */
  | {
    readonly type: "began";
    /** When. */
    readonly atMs: number | undefined;
  }
  | { readonly type: "ended"; readonly why: Reason }
  | "plain";

/** Why. */
export interface Reason extends Base {
  /**
   * Its name.
   *
   * A second paragraph.
   *
   * @default {"none"}
   */
  name?: string | undefined;
  readonly long:
    | "a"
    | "b";
  /** Called. */
  hear: (text: string) => void;
}

export class Bare extends Error {}
`;

Deno.test("unionMembers() reads members on one line and on many, with their comments", () => {
  assertEquals(unionMembers(SOURCE, "Happening"), [
    {
      doc: { paragraphs: ["It began, once."], default: undefined },
      text: '{ readonly type: "began"; /** When. */ readonly atMs: number | undefined; }',
      fields: [
        { name: "type", isOptional: false, type: '"began"', doc: undefined },
        {
          name: "atMs",
          isOptional: false,
          type: "number | undefined",
          doc: { paragraphs: ["When."], default: undefined },
        },
      ],
    },
    {
      doc: undefined,
      text: '{ readonly type: "ended"; readonly why: Reason }',
      fields: [
        { name: "type", isOptional: false, type: '"ended"', doc: undefined },
        { name: "why", isOptional: false, type: "Reason", doc: undefined },
      ],
    },
    { doc: undefined, text: '"plain"', fields: [] },
  ]);
});

Deno.test("interfaceFields() reads types over many lines, paragraphs and defaults", () => {
  assertEquals(interfaceFields(SOURCE, "Reason"), [
    {
      name: "name",
      isOptional: true,
      type: "string",
      doc: { paragraphs: ["Its name.", "A second paragraph."], default: '{"none"}' },
    },
    { name: "long", isOptional: false, type: '"a" | "b"', doc: undefined },
    {
      name: "hear",
      isOptional: false,
      type: "(text: string) => void",
      doc: { paragraphs: ["Called."], default: undefined },
    },
  ]);
});

Deno.test("docOfExport() reads the comment right before a declaration, and refuses one that has none", () => {
  assertEquals(docOfExport(SOURCE, "Happening").paragraphs, ["What happens."]);
  assertThrows(() => docOfExport(SOURCE, "Bare"), RangeError, "Cannot read the comment of Bare");
  assertThrows(() => docOfExport(SOURCE, "Gone"), RangeError, "Cannot read the comment of Gone");
  assertThrows(() => interfaceFields(SOURCE, "Gone"), RangeError, "Cannot read Gone");
});
