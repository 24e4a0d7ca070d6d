/** Tags of streams and consumers. */

import { assertEquals } from "@std/assert";
import { simulated } from "../../../support/simulated.ts";

const WORDS = { StreamName: "words" };

/** An emulator with the stream "words". */
function bed() {
  const made = simulated({ streams: { words: 1 } });
  const call = async (operation: string, input: object) => (await made.call(operation, { ...input })).body;
  return {
    call,
    arn: made.aws.stream("words").arn,
    tags: async () =>
      (await call("ListTagsForStream", WORDS)).Tags.map((tag: Tag) => `${tag.Key}=${tag.Value}`),
  };
}

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

Deno.test("tags of a stream are added, changed, listed and removed", async () => {
  const { call, tags } = bed();
  assertEquals(await call("AddTagsToStream", { ...WORDS, Tags: { b: "1", a: "2" } }), "");
  await call("AddTagsToStream", { ...WORDS, Tags: { b: "3", c: "" } });
  assertEquals(await tags(), ["a=2", "b=3", "c="]);
  assertEquals(await call("RemoveTagsFromStream", { ...WORDS, TagKeys: ["a", "none"] }), "");
  assertEquals(await tags(), ["b=3", "c="]);
});

Deno.test("ListTagsForStream pages by the last key", async () => {
  const { call } = bed();
  await call("AddTagsToStream", { ...WORDS, Tags: { a: "1", b: "2", c: "3" } });
  const first = await call("ListTagsForStream", { ...WORDS, Limit: 2 });
  assertEquals([first.Tags.length, first.HasMoreTags], [2, true]);
  const rest = await call("ListTagsForStream", { ...WORDS, ExclusiveStartTagKey: "b" });
  assertEquals(rest, { Tags: [{ Key: "c", Value: "3" }], HasMoreTags: false });
});

Deno.test("TagResource, UntagResource and ListTagsForResource know streams and consumers by their ARNs", async () => {
  const { call, arn, tags } = bed();
  const { Consumer } = await call("RegisterStreamConsumer", {
    StreamARN: arn,
    ConsumerName: "app",
    Tags: { made: "early" },
  });
  const list = async (ResourceARN: string) => (await call("ListTagsForResource", { ResourceARN })).Tags;
  for (const ResourceARN of [arn, Consumer.ConsumerARN]) {
    assertEquals(await call("TagResource", { ResourceARN, Tags: { team: "a" } }), "");
  }
  assertEquals(await tags(), ["team=a"]);
  assertEquals(await list(Consumer.ConsumerARN), [{ Key: "made", Value: "early" }, {
    Key: "team",
    Value: "a",
  }]);
  assertEquals(await call("UntagResource", { ResourceARN: Consumer.ConsumerARN, TagKeys: ["team"] }), "");
  assertEquals(await list(Consumer.ConsumerARN), [{ Key: "made", Value: "early" }]);
  assertEquals(await list(arn), [{ Key: "team", Value: "a" }]);
  const typeOf = async (ResourceARN: string) => (await call("ListTagsForResource", { ResourceARN })).__type;
  assertEquals(await typeOf(`${arn}2`), "ResourceNotFoundException");
  assertEquals(await typeOf(`${arn}/consumer/none:1`), "ResourceNotFoundException");
  assertEquals(await typeOf("words"), "ValidationException");
});

Deno.test("tags that AWS would not take are refused, and none of the call is added", async () => {
  const { call, tags } = bed();
  const typeOf = async (Tags: object) => (await call("AddTagsToStream", { ...WORDS, Tags })).__type;
  assertEquals(await typeOf({ good: "1", "aws:bad": "1" }), "InvalidArgumentException");
  assertEquals(await typeOf({ good: "1", "": "1" }), "InvalidArgumentException");
  assertEquals(await typeOf({ good: "1", ["k".repeat(129)]: "1" }), "InvalidArgumentException");
  assertEquals(await typeOf({ good: "v".repeat(257) }), "InvalidArgumentException");
  assertEquals(await typeOf({ good: "a<b" }), "InvalidArgumentException");
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"]));
  assertEquals(await typeOf(many), "LimitExceededException");
  assertEquals((await call("AddTagsToStream", WORDS)).__type, "ValidationException");
  assertEquals(
    (await call("AddTagsToStream", { StreamName: "none", Tags: {} })).__type,
    "ResourceNotFoundException",
  );
  assertEquals(
    (await call("RemoveTagsFromStream", { ...WORDS, TagKeys: [] })).__type,
    "InvalidArgumentException",
  );
  assertEquals(await tags(), []);
});
