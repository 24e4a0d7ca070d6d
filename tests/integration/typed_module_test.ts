/** A module of the command line whose records have values: `eachDecoded()` is its default export. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { bundled, sourceOf, withModule } from "../support/module_bed.ts";

/** Orders have a total; `decoder` makes the value, of what `imports` name. */
const module = (imports: string, decoder: string) =>
  `${imports}
const Order = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value.total === "number" ? { value } : { issues: [{ message: "no number", path: ["total"] }] },
  },
};
export default eachDecoded({ decoder: ${decoder}, schema: Order }, (order) => console.log("total", order.total));`;

for (const copy of ["the command line's own", "another"] as const) {
  Deno.test(`a module with eachDecoded() of ${copy} copy of the library loses no good record to a bad one`, async () => {
    const from = copy === "another" ? "./decode.mjs" : sourceOf("decode");
    const text = module(`import { eachDecoded, json } from "${from}";`, "json()");
    await withModule(text, async ({ folder, stream, start }) => {
      if (copy === "another") await bundled("decode", folder);
      await stream.put(['{"total":1}', '{"total":"two"}', "three", '{"total":4}'], () => "key");
      await using cli = start("onProcessError=skip");
      await cli.printed(/total 4/);
      cli.kill("SIGTERM");
      assertEquals(await cli.exitCode(), 143, cli.output);
      assertEquals(cli.output.match(/total \d/g), ["total 1", "total 4"]);
      const skipped = cli.output.match(/Cannot decode record \d+.*/g) ?? [];
      assertEquals(skipped.length, 2, cli.output);
      assertMatch(skipped[0] ?? "", /the schema does not fit: total: no number/);
      assertMatch(skipped[1] ?? "", /expected JSON text: got 5 bytes/);

      // Nothing that was done, or given up, comes again.
      await stream.put(['{"total":5}', "six", '{"total":7}'], () => "key");
      await using next = start("maximumRetryAttempts=3", `onFailureDestination=${folder}/letters.jsonl`);
      await next.printed(/total 7/);
      next.kill("SIGTERM");
      assertEquals(await next.exitCode(), 143, next.output);
      assertEquals(next.output.match(/total \d/g), ["total 5", "total 7"]);
      const letters = (await Deno.readTextFile(`${folder}/letters.jsonl`)).trim().split("\n")
        .map((line) => JSON.parse(line));
      assertEquals(letters.length, 1);
      assertMatch(JSON.stringify(letters[0]), /DecodeFailed/);
    });
  });
}

Deno.test("a module with confluent() waits for a registry that is down, and gives up a schema that is not there", async () => {
  const asked: string[] = [];
  let isDown = true;
  await using registry = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    if (isDown) return new Response("busy", { status: 503 });
    return pathname.endsWith("/1")
      ? Response.json({ schema: "{}", schemaType: "JSON" })
      : new Response("{}", { status: 404 });
  });
  const text = module(
    `import { eachDecoded } from "${sourceOf("decode")}";\nimport { confluent } from "${sourceOf("glue")}";`,
    `confluent("http://127.0.0.1:${registry.addr.port}")`,
  );
  await withModule(text, async ({ folder, stream, start }) => {
    const framed = (id: number, payload: string) => `\0\0\0\0${String.fromCharCode(id)}${payload}`;
    await stream.put([framed(1, '{"total":1}'), framed(2, "2"), framed(1, '{"total":3}')], () => "key");
    await using cli = start(`onFailureDestination=${folder}/letters.jsonl`);
    await cli.printed(/Cannot read schema 1: the registry answers with status 503/);
    assert(!cli.output.includes("total"), cli.output);
    isDown = false;
    await cli.printed(/total 3/);
    cli.kill("SIGTERM");
    assertEquals(await cli.exitCode(), 143, cli.output);
    assertEquals(cli.output.match(/total \d/g), ["total 1", "total 3"]);
    assertEquals(asked.filter((path) => path.endsWith("/2")), ["/schemas/ids/2"]);
    const letters = (await Deno.readTextFile(`${folder}/letters.jsonl`)).trim().split("\n");
    assertEquals(letters.length, 1);
    assertMatch(letters[0] ?? "", /DecodeFailed/);
  });
});
