import { assertEquals, assertGreater } from "@std/assert";
import { objections } from "../../docs/public_api.ts";

Deno.test("objections() reads what deno doc --lint prints, and accepts what names another package's type", () => {
  const root = new URL("../..", import.meta.url).pathname;
  const printed = `error[missing-jsdoc]: exported symbol is missing JSDoc documentation
  --> ${root}src/a.ts:3:1
   |
 3 | export const a = 1;

error[private-type-ref]: public type 'healthApp' references private type 'Hono'
   --> ${root}src/health/mod.ts:61:1

error: Found 2 documentation lint errors.
`;
  assertEquals(objections(printed), ["src/a.ts:3:1 exported symbol is missing JSDoc documentation"]);
  assertEquals(objections(""), []);
});

/** Where the types for own stores, clocks and Kinesis are. */
const SEAMS =
  /^src\/(?:aws\/(?:kinesis\w*|subscription)|lease\/(?:lease\w*|coordinator_store|incarnation)|system|cpu_source)\.ts$/;

Deno.test("mod.ts marks every type for own stores, clocks and Kinesis as experimental, and nothing else", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  const exported = [...(await read("mod.ts")).matchAll(/^export (?:type )?\{([^}]*)\} from "\.\/([^"]+)"/gm)];
  let marked = 0;
  for (const [, names = "", path = ""] of exported) {
    const source = await read(path);
    for (const name of names.split(",").map((name) => name.trim()).filter((name) => name !== "")) {
      const at = source.search(new RegExp(`^export \\w+ ${name}\\b`, "m"));
      const comment = source.slice(source.lastIndexOf("/**", at), at);
      assertEquals(comment.includes("@experimental"), SEAMS.test(path), `${name} of ${path}`);
      if (SEAMS.test(path)) marked++;
    }
  }
  assertGreater(marked, 25);
});
