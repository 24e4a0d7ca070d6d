import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("..", import.meta.url);
const CALLERS = ["kinesis", "cbor_kinesis", "kinesis_consumers", "subscription", "dynamodb", "cloudwatch"];

Deno.test("docs/PERMISSIONS.md names the IAM action of every call to Kinesis, DynamoDB and CloudWatch", async () => {
  const text = await Deno.readTextFile(new URL("docs/PERMISSIONS.md", ROOT));
  const sources = await Promise.all(
    CALLERS.map((name) => Deno.readTextFile(new URL(`src/aws/${name}.ts`, ROOT))),
  );
  const operations = new Set(
    sources.flatMap((source) => [...source.matchAll(/(?:operation: |write\(|pages\()"(\w+)"/g)])
      .map(([, operation = ""]) => operation),
  );
  assert(operations.size > 12, "the pattern finds the calls");
  const missing = [...operations].filter((operation) => !new RegExp(`[\`:]${operation}\``).test(text));
  assertEquals(missing, []);
});
