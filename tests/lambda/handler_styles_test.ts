/**
 * Handlers in the styles in which Lambda handlers for Kinesis are published, each as the text of its file, on the
 * emulator. They are written for this test after AWS's samples and blueprints, and not copied.
 */

import { assertEquals } from "@std/assert";
import { main } from "../../cli.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { withFolder } from "../support/folder.ts";

interface Style {
  readonly style: string;
  readonly handler: string;
  readonly file: string;
  readonly text: string;
}

/** Each notes what it gets in `globalThis.noted`. */
const STYLES: readonly Style[] = [
  {
    style: "the blueprint of Node.js 6 to 20: strict CommonJS with a callback",
    handler: "index.handler",
    file: "index.js",
    text: `'use strict';
      exports.handler = (event, context, callback) => {
        event.Records.forEach((record) => {
          const payload = Buffer.from(record.kinesis.data, 'base64').toString('ascii');
          globalThis.noted.push(payload);
        });
        callback(null, \`Successfully processed \${event.Records.length} records.\`);
      };`,
  },
  {
    style: "the first samples: CommonJS with variables of nobody, and context.done()",
    handler: "ProcessKinesisRecords.handler",
    file: "ProcessKinesisRecords.js",
    text: `exports.handler = function(event, context) {
        for (i = 0; i < event.Records.length; ++i) {
          encodedPayload = event.Records[i].kinesis.data;
          payload = Buffer.from(encodedPayload, 'base64').toString('ascii');
          globalThis.noted.push(payload);
        }
        context.done(null, "Hello World");
      };`,
  },
  {
    style: "the code library's: an async function in an ES module, which throws what fails",
    handler: "./src/app.mjs#handler",
    file: "src/app.mjs",
    text: `const getRecordDataAsync = async ({ data }) => Buffer.from(data, "base64").toString("utf-8");
      export const handler = async (event, context) => {
        for (const record of event.Records) {
          try {
            globalThis.noted.push(await getRecordDataAsync(record.kinesis));
          } catch (err) {
            console.error(\`An error occurred \${err}\`);
            throw err;
          }
        }
      };`,
  },
  {
    style: "TypeScript with batchItemFailures",
    handler: "./app.ts#lambdaHandler",
    file: "app.ts",
    text: `interface Answer { batchItemFailures: { itemIdentifier: string }[] }
      type Event = { Records: { kinesis: { data: string; sequenceNumber: string } }[] };
      const { noted } = globalThis as unknown as { noted: string[] };
      export const lambdaHandler = async (event: Event): Promise<Answer> => {
        for (const { kinesis } of event.Records) {
          try {
            noted.push(atob(kinesis.data));
          } catch {
            return { batchItemFailures: [{ itemIdentifier: kinesis.sequenceNumber }] };
          }
        }
        return { batchItemFailures: [] };
      };`,
  },
];

for (const { style, handler, file, text } of STYLES) {
  Deno.test(`lambdaHandler runs ${style}`, async () => {
    const noted: string[] = [];
    Object.assign(globalThis, { noted });
    const aws = simulatedAws({ streams: { words: 1 } });
    for (const word of ["to", "be", "to"]) aws.stream("words").put(word);
    const stop = new AbortController(), log: string[] = [];
    const keys: Readonly<Record<string, string>> = { AWS_ACCESS_KEY_ID: "any", AWS_SECRET_ACCESS_KEY: "any" };
    const properties = `applicationName = styles\nstreamName = words\nregionName = us-east-1\n` +
      `retrievalMode = POLLING\ninitialPositionInStream = TRIM_HORIZON\nlambdaHandler = ${handler}\n`;
    await withFolder({ "app.properties": properties, [file]: text }, async (folder) => {
      const code = await main([`${folder}/app.properties`], {
        out: () => {},
        err: (line) => void log.push(line),
        childStderr: () => {},
        env: (name) => keys[name],
        envNames: Object.keys(keys),
        signal: stop.signal,
        options: {
          system: aws.system,
          onEvent: ({ type }) => (type === "checkpointed" || type === "batchFailed") && stop.abort(),
        },
      });
      assertEquals([code, noted], [0, ["to", "be", "to"]], log.join("\n"));
    });
  });
}
