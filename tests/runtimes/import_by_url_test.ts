/**
 * Imports the library as people do: straight from a URL, from a folder that knows nothing of our deno.json. What our
 * import map provides is not there, so a bare import anywhere below mod.ts shows up here.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCommand } from "../support/command.ts";
import { SMOKE_TEXTS, withSmokeBed } from "../support/smoke_bed.ts";

const ROOT = new URL("../../", import.meta.url);

/** The repository over HTTP, for as long as `body` runs. */
async function withRepositoryServed<T>(body: (url: string) => Promise<T>): Promise<T> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    try {
      const text = await Deno.readTextFile(new URL(`.${pathname}`, ROOT));
      const type = pathname.endsWith(".mjs") ? "text/javascript" : "application/typescript";
      return new Response(text, { headers: { "content-type": type } });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Response("not found", { status: 404 });
      throw error;
    }
  });
  return await body(`http://127.0.0.1:${server.addr.port}`);
}

/** Runs a script in an empty folder, with the repository's modules loaded afresh from `url`. */
async function runElsewhere(url: string, script: string) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, script);
    const { host } = new URL(url);
    return await runCommand(Deno.execPath(), [
      "run",
      "--no-config",
      "--no-lock",
      "--quiet",
      `--reload=${url}`,
      `--allow-import=${host}`,
      "--allow-net=127.0.0.1",
      "main.ts",
    ], { cwd: folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("mod.ts imported by URL, without an import map, runs a worker that may do nothing but talk to 127.0.0.1", async () => {
  const result = await withRepositoryServed((url) =>
    withSmokeBed((options) =>
      runElsewhere(
        url,
        `import { KinesisWorker } from "${url}/mod.ts";
import { smoke } from "${url}/tests/runtimes/smoke.mjs";
console.log(JSON.stringify(await smoke({ KinesisWorker }, ${JSON.stringify(options)})));`,
      )
    )
  );
  assertEquals({ code: result.code, stderr: result.stderr }, { code: 0, stderr: "" });
  assertEquals(JSON.parse(result.stdout), SMOKE_TEXTS);
});

Deno.test("a module that leans on our import map fails when it is imported by URL", async () => {
  const result = await withRepositoryServed((url) =>
    runElsewhere(url, `import "${url}/tests/support/emulators.ts"; import "${url}/tests/tidy_test.ts";`)
  );
  assertEquals(result.code, 1);
  assertStringIncludes(result.stderr, "@std/assert");
});
