import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { findFile, readFile } from "../../src/host/files.ts";
import { loadModule } from "../../src/host/modules.ts";
import { VERSION } from "../../src/version.ts";
import { runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";

Deno.test("readFile() says in one line why it cannot", async () => {
  await withFolder({ "a.properties": "a=b" }, async (folder) => {
    assertEquals(new TextDecoder().decode(await readFile(`${folder}/a.properties`)), "a=b");
    const missing = await assertRejects(() => readFile(`${folder}/b.properties`));
    assertEquals(
      missing.message,
      `Cannot read "${folder}/b.properties": there is no such file, seen from ${Deno.cwd()}`,
    );
    assertEquals(
      (await assertRejects(() => readFile(folder))).message,
      `Cannot read "${folder}": it is a folder`,
    );
  });
});

Deno.test("findFile() looks into one folder after the other", async () => {
  await withFolder({ "one/a.ts": "", "two/a.ts": "", "two/b.ts": "" }, async (folder) => {
    const folders = [`${folder}/one`, `${folder}/two`];
    assertEquals(await findFile("a.ts", folders), `${folder}/one/a.ts`);
    assertEquals(await findFile("./b.ts", folders), `${folder}/two/b.ts`);
    assertEquals(await findFile(`${folder}/two/a.ts`, folders), `${folder}/two/a.ts`);
    assertEquals(await findFile("c.ts", folders), undefined);
  });
});

Deno.test("loadModule() imports TypeScript, also from a path with special characters", async () => {
  await withFolder({ "a #1%20/words.ts": "const n: number = 1; export default n;" }, async (folder) => {
    assertEquals((await loadModule("words.ts", [`${folder}/a #1%20`]))["default"], 1);
  });
});

Deno.test("loadModule() says where it looked, or passes on why a module fails", async () => {
  await withFolder({ "bad.ts": "throw new Error('no database');" }, async (folder) => {
    const missing = await assertRejects(() => loadModule("words.ts", [folder, "/"]));
    assertEquals(
      missing.message,
      `Cannot load module "words.ts": there is no such file: looked in ${folder} and /`,
    );
    const bad = await assertRejects(() => loadModule("bad.ts", [folder]));
    assertEquals(bad.message, `Cannot load module "${folder}/bad.ts": no database`);
    assertStringIncludes(`${bad.cause}`, "no database");
  });
});

Deno.test("isStartedFile() knows the program from a module, also behind a link", async () => {
  const program = `
    import { isStartedFile } from ${
    JSON.stringify(new URL("../../src/host/modules.ts", import.meta.url).href)
  };
    export const isStarted = isStartedFile(import.meta.url);
    if (import.meta.main) console.log(isStarted);`;
  const other = `import { isStarted } from "./program.ts"; console.log(isStarted);`;
  await withFolder({ "program.ts": program, "other.ts": other }, async (folder) => {
    await Deno.symlink(`${folder}/program.ts`, `${folder}/link.ts`);
    const printed = await Promise.all(["program.ts", "link.ts", "other.ts"].map(async (file) => {
      const args = ["run", "-A", "--no-config", "--no-lock", `${folder}/${file}`];
      const { stdout } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
      return new TextDecoder().decode(stdout).trim();
    }));
    assertEquals(printed, ["true", "true", "false"]);
    const { stdout } = await runCommand(Deno.execPath(), ["eval", other], { cwd: folder });
    assertEquals(stdout, "false\n");
  });
});

Deno.test("VERSION is that of deno.json", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  assertEquals(VERSION, version);
});
