import { assertEquals } from "@std/assert";
import { withFolder } from "../support/folder.ts";
import { checkInDeno } from "./user_types.ts";

const PROJECTS: readonly (readonly [string, unknown])[] = [
  ["Deno's own options", {}],
  ["the types of the DOM beside Deno's", { lib: ["deno.window", "dom"] }],
];

for (const [name, compilerOptions] of PROJECTS) {
  Deno.test(`a user's program on a copy of the library passes the type-check with ${name}`, async () => {
    const { code, stderr } = await withFolder({}, (folder) => checkInDeno(folder, compilerOptions));
    assertEquals(code, 0, stderr);
  });
}
