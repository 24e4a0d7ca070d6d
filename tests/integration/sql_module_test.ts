/** A module of the command line whose default export is a sink of `./sql`, of this copy of the library and of another. */

import { assertEquals, assertMatch } from "@std/assert";
import { CliProcess } from "../support/cli_process.ts";
import { runCommand } from "../support/command.ts";
import { startDynalite, startKinesalite } from "../support/emulators.ts";
import { withFolder } from "../support/folder.ts";
import { TestStream } from "../support/test_stream.ts";

const ROOT = new URL("../../", import.meta.url);
const sourceOf = (path: string) => new URL(`src/${path}`, ROOT).href;

/** Its database loses the row of the shard while the second record is in work: another owner, to the sink. */
const module = (from: string) =>
  `import { sqlSink } from "${from}";
import { SimulatedDatabase } from "${sourceOf("testing/simulation/simulated_database.ts")}";
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
    await using kinesis = await startKinesalite();
    await using dynamoDB = await startDynalite();
    const stream = await TestStream.create(kinesis.url, "orders", 1);
    const properties = `executableName = orders.mjs
applicationName = app
streamName = orders
regionName = eu-central-1
kinesisEndpoint = ${kinesis.url}
dynamoDBEndpoint = ${dynamoDB.url}
initialPositionInStream = TRIM_HORIZON
retrievalMode = POLLING
taskBackoffTimeMillis = 10
onProcessError = skip
`;
    const isOwn = copy === "the command line's own";
    const text = module(isOwn ? sourceOf("sql/mod.ts") : "./sql.mjs");
    await withFolder({ "orders.mjs": text, "app.properties": properties }, async (folder) => {
      if (!isOwn) {
        const how = ["bundle", "--minify", "--platform=deno", "--output", `${folder}/sql.mjs`];
        const { code, stderr } = await runCommand(Deno.execPath(), [...how, sourceOf("sql/mod.ts")]);
        assertEquals(code, 0, stderr);
      }
      const start = (...more: readonly string[]) =>
        new CliProcess({
          deno: ["run", "-A", new URL("cli.ts", ROOT).pathname],
          args: ["app.properties", ...more],
          cwd: folder,
          env: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
        });
      await using refused = start("--set", "parallelizationFactor=2");
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
