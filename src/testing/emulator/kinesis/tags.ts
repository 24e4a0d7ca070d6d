/**
 * Tags of streams and consumers, by the operations of streams alone and by those of any resource.
 *
 * Source: Kinesis API reference, AddTagsToStream, TagResource and their likes; "Tag restrictions" of the
 * Kinesis documentation.
 *
 * @module
 */

import { ApiError } from "../api_error.ts";
import { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { consumerOf, streamOf, streamOfArn } from "./lookup.ts";
import type { EmulatedStreams } from "./emulated_streams.ts";

/** The most tags of a resource, and the most characters of a key and a value. */
const MAX_TAGS = 50, MAX_KEY = 128, MAX_VALUE = 256;

/** What has tags. */
export interface Tagged {
  readonly tags: Map<string, string>;
}

/** The operations, over some streams. */
export function tagOperations(streams: EmulatedStreams): Operations {
  const resourceOf = (input: Input): Tagged => {
    const arn = input.requiredText("ResourceARN");
    if (!arn.includes("/consumer/")) return streamOfArn(streams, arn);
    return consumerOf(streams, new Input({ ConsumerARN: arn }, "json")).consumer;
  };

  return {
    AddTagsToStream({ input }) {
      input.requiredMap("Tags");
      addTags(streamOf(streams, input), input);
    },

    RemoveTagsFromStream({ input }) {
      removeTags(streamOf(streams, input), input);
    },

    ListTagsForStream({ input }) {
      const limit = input.integer("Limit", 1, MAX_TAGS) ?? MAX_TAGS;
      const after = input.text("ExclusiveStartTagKey") ?? "";
      const rest = wireTags(streamOf(streams, input)).filter(({ Key }) => Key > after);
      return { Tags: rest.slice(0, limit), HasMoreTags: rest.length > limit };
    },

    TagResource({ input }) {
      input.requiredMap("Tags");
      addTags(resourceOf(input), input);
    },

    UntagResource({ input }) {
      removeTags(resourceOf(input), input);
    },

    ListTagsForResource: ({ input }) => ({ Tags: wireTags(resourceOf(input)) }),
  };
}

/** Adds the member `Tags`, if there is one. @throws {ApiError} and adds none, when it cannot be. */
export function addTags(resource: Tagged, input: Input): void {
  setTags(resource, tagsIn(input));
}

/** Adds tags that were read. @throws {ApiError} and adds none, when they are too many. */
export function setTags({ tags }: Tagged, added: ReadonlyMap<string, string>): void {
  const count = new Set([...tags.keys(), ...added.keys()]).size;
  if (count > MAX_TAGS) {
    throw new ApiError(
      "LimitExceededException",
      `A resource has at most ${MAX_TAGS} tags: this one would have ${count}.`,
    );
  }
  for (const [key, value] of added) tags.set(key, value);
}

/** The member `Tags`, checked. @throws {ApiError}. */
export function tagsIn(input: Input): ReadonlyMap<string, string> {
  const given = input.map("Tags");
  return new Map(
    Object.keys(given?.values ?? {}).map((key) => {
      const value = given?.text(key) ?? "";
      if (key.length < 1 || key.length > MAX_KEY || value.length > MAX_VALUE || !isTagText(key + value)) {
        throw new ApiError(
          "InvalidArgumentException",
          `Tag "${key}" is invalid: a key has 1 to ${MAX_KEY} characters, a value at most ${MAX_VALUE}: ` +
            "letters, digits, spaces and _ . / = + - % @ :",
        );
      }
      if (/^aws:/i.test(key)) {
        throw new ApiError(
          "InvalidArgumentException",
          `Tag "${key}" is invalid: the prefix aws: is reserved.`,
        );
      }
      return [key, value];
    }),
  );
}

function isTagText(text: string): boolean {
  return /^[\p{L}\p{N}\p{Z}_./=+\-%@:]*$/u.test(text);
}

function removeTags({ tags }: Tagged, input: Input): void {
  const keys = input.texts("TagKeys");
  if (keys.length < 1 || keys.length > MAX_TAGS) {
    throw new ApiError("InvalidArgumentException", `TagKeys must have 1 to ${MAX_TAGS} members.`);
  }
  for (const key of keys) tags.delete(key);
}

/** By key, as they are sent. */
function wireTags({ tags }: Tagged): readonly { readonly Key: string; readonly Value: string }[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value })).toSorted((a, b) => a.Key < b.Key ? -1 : 1);
}
