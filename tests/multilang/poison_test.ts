/** A record at which a program dies, under a policy by properties. */

import { assertEquals } from "@std/assert";
import { main } from "../../cli.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { withFolder } from "../support/folder.ts";
import { appIn } from "./real_bed.ts";

const KEYS: Readonly<Record<string, string>> = { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" };

Deno.test({
  name:
    "a record at which a program dies is found by halves, stored once in the file, and the rest is processed",
  ignore: Deno.build.os === "windows",
  async fn() {
    const aws = simulatedAws({ streams: { words: 1 } });
    const words = ["a", "b", "bad", "c"];
    const last = words.map((word) => aws.stream("words").put(word)).at(-1)?.sequenceNumber;
    const stop = new AbortController();
    let printed = "";
    const properties = "applicationName = orders\nstreamName = words\nregionName = us-east-1\n" +
      "retrievalMode = POLLING\ninitialPositionInStream = TRIM_HORIZON\n" +
      "maximumRetryAttempts = 1\nbisectBatchOnFunctionError = true\n";
    await withFolder({}, async (folder) => {
      const file = `${folder}/app.properties`, letters = `${folder}/dead.jsonl`;
      await Deno.writeTextFile(
        file,
        `${properties}executableName = ${appIn("poison")}\nonFailureDestination = ${letters}\n`,
      );
      const log: string[] = [];
      const code = await main([file], {
        out: () => {},
        err: (line) => void log.push(line),
        childStderr: (text) => void (printed += text),
        env: (name) => KEYS[name],
        envNames: Object.keys(KEYS),
        signal: stop.signal,
        options: {
          system: aws.system,
          taskBackoffTimeMs: 10,
          onEvent(event) {
            if (event.type === "checkpointed" && event.at.sequenceNumber === last) stop.abort();
          },
        },
      });
      assertEquals(code, 0, log.join("\n"));
      const found = (await Deno.readTextFile(letters)).trimEnd().split("\n").map((line) => JSON.parse(line));
      assertEquals(found.map(({ KinesisBatchInfo }) => KinesisBatchInfo.batchSize), [1]);
      const all = `${printed}\n${log.join("\n")}`;
      assertEquals([...all.matchAll(/done (\w+)/g)].map(([, word]) => word), ["a", "b", "c"]);
    });
  },
});
