/** A module of the command line whose default export is a sink of `./sql`, of this copy of the library and of another. */

import { assertEquals, assertMatch } from "@std/assert";
import { bundled, sourceOf, withModule } from "../support/module_bed.ts";

const DATABASE = new URL("../../src/testing/simulation/simulated_database.ts", import.meta.url).href;

/** Its database loses the row of the shard while the second record is in work: another owner, to the sink. */
const module = (from: string) =>
  `import { sqlSink } from "${from}";
import { SimulatedDatabase } from "${DATABASE}";
const database = new SimulatedDatabase();
let hasMoved = false;
const sink = sqlSink(database.client(() => Promise.resolve()), { table: "positions", applicationName: "app" });
export default sink.processor(async (records, tx) => {
  for (const record of records) tx.put(record.text());
  if (!hasMoved && records.some((record) => record.text() === "two")) {
    hasMoved = true;
    database.positions.clear();
    return;
  }
  console.log("stored", records.map((record) => record.text()).join());
});`;

for (const copy of ["the command line's own", "another, minified"] as const) {
  Deno.test(`a module with sqlSink() of ${copy} copy of the library restarts where its row has moved, and is refused with parallel calls`, async () => {
    const isOwn = copy === "the command line's own";
    const text = module(isOwn ? sourceOf("sql") : "./sql.mjs");
    await withModule(text, async ({ folder, stream, start: startWith }) => {
      if (!isOwn) await bundled("sql", folder, "--minify");
      const start = (...more: readonly string[]) =>
        startWith("taskBackoffTimeMillis=10", "onProcessError=skip", ...more);
      await using refused = start("parallelizationFactor=2");
      assertEquals(await refused.exitCode(), 1, refused.output);
      assertMatch(
        refused.output,
        /expected no concurrency beside a processor that stores its position with its results/,
      );

      await stream.put(["one"], () => "key");
      await using cli = start();
      await cli.printed(/stored one/);
      await stream.put(["two"], () => "key");
      await cli.printed(/stored two/);
      cli.kill("SIGTERM");
      assertEquals(await cli.exitCode(), 143, cli.output);
      assertEquals(cli.output.match(/stored \w+/g), ["stored one", "stored two"]);
      assertMatch(cli.output, /its row has been deleted/);
      assertEquals(/skipped/.test(cli.output), false, cli.output);
    });
  });
}
