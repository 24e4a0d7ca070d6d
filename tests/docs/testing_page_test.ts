import { assertEquals, assertGreater } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { examples } from "../support/readme.ts";

const ROOT = new URL("../..", import.meta.url);

Deno.test("the examples of docs/testing.md run as they stand", async () => {
  const blocks = examples(await Deno.readTextFile(new URL("docs/testing.md", ROOT)));
  assertGreater(blocks.length, 0);
  const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const imports = Object.fromEntries(
    Object.entries<string>(exports).map(([name, path]) => [
      name.replace(".", "@kclite/kclite"),
      new URL(path, ROOT).href,
    ]),
  );
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ lock: false, imports }));
    for (const { line, code } of blocks) {
      await Deno.writeTextFile(`${folder}/line_${line}.ts`, code);
      const { code: exitCode, stderr } = await runCommand(
        Deno.execPath(),
        ["run", "--no-check", "--quiet", `line_${line}.ts`],
        { cwd: folder },
      );
      assertEquals(exitCode, 0, stderr);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
