import { assert, assertEquals, assertThrows } from "@std/assert";
import { executableOf, moduleProcessor } from "../../src/consumer/module_processor.ts";

const path = "words.ts";
const stream = { streamName: "words", streamArn: undefined, streamIdentifier: undefined };

function misfits(): { readonly errors: TypeError[]; readonly onMisfit: (error: TypeError) => void } {
  const errors: TypeError[] = [];
  return { errors, onMisfit: (error) => void errors.push(error) };
}

Deno.test("executableOf() takes a module by the ending of its first word", () => {
  for (const name of ["words.ts", "./a/words.mjs", "../words.js", "  words.ts  "]) {
    assertEquals(executableOf(name), { type: "module", path: name.trim(), ignored: [] });
  }
  assertEquals(executableOf("words.ts  --fast -v"), {
    type: "module",
    path: "words.ts",
    ignored: ["--fast", "-v"],
  });
  for (const name of ["node words.js", "words.py", "words", "deno run -A words.ts", "words.ts.bak", ""]) {
    assertEquals(executableOf(name), { type: "program" });
  }
});

class Words {
  readonly shardId: string;
  readonly stream: unknown;
  constructor(shardId: string, stream?: unknown) {
    this.shardId = shardId;
    this.stream = stream;
  }
  processRecords(): void {}
  shardEnded(): void {}
}

Deno.test("moduleProcessor() makes one object of a class for each shard", () => {
  const make = moduleProcessor({ default: Words }, { path, ...misfits() });
  const first = make("shard-1", stream), second = make("shard-2", stream);
  assert(first instanceof Words && second instanceof Words && first !== second);
  assertEquals([first.shardId, second.shardId], ["shard-1", "shard-2"]);
  assertEquals(first.stream, stream);
});

Deno.test("moduleProcessor() calls a function, whatever its kind", () => {
  const made = new Words("shard-1");
  for (
    const make of [() => made, function () {
      return made;
    }]
  ) {
    assertEquals(moduleProcessor({ default: make }, { path, ...misfits() })("shard-1", stream), made);
  }
});

Deno.test("moduleProcessor() makes an object of a class written the old way", () => {
  // deno-lint-ignore no-explicit-any -- `this` of a constructor function has no type
  function Old(this: any, shardId: string): void {
    this.shardId = shardId;
  }
  Old.prototype.processRecords = () => {};
  Old.prototype.shardEnded = () => {};
  const processor = moduleProcessor({ default: Old }, { path, ...misfits() })("shard-1", stream);
  assertEquals(Reflect.get(processor, "shardId"), "shard-1");
});

Deno.test("moduleProcessor() accepts methods that a constructor sets up", () => {
  class Fields {
    processRecords = () => {};
    shardEnded = () => {};
  }
  assert(moduleProcessor({ default: Fields }, { path, ...misfits() })("shard-1", stream) instanceof Fields);
});

Deno.test("moduleProcessor() adapts a processor of KCL v1", async () => {
  const calls: unknown[] = [];
  class V1 {
    initialize(shardId: string): void {
      calls.push(["initialize", shardId]);
    }
    processRecords(): void {}
    shutdown(_: unknown, reason: string): void {
      calls.push(["shutdown", reason]);
    }
  }
  const processor = moduleProcessor({ default: V1 }, { path, ...misfits() })("shard-1", stream);
  const context = {
    shardId: "shard-1",
    leaseKey: "shard-1",
    ...stream,
    initialCheckpoint: { sequenceNumber: "LATEST", subSequenceNumber: 0 },
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    fencingToken: { leaseKey: "shardId-000000000000", token: 2 },
    prepareCheckpoint: () => Promise.reject(new Error("not asked for in this test")),
    signal: new AbortController().signal,
    checkpoint: () => Promise.resolve(),
    transact: () => Promise.reject(new Error("not asked for in this test")),
    restart: () => {},
  };
  await processor.initialize?.(context);
  await processor.shardEnded(context);
  assertEquals(calls, [["initialize", "shard-1"], ["shutdown", "TERMINATE"]]);
});

Deno.test("moduleProcessor() refuses a module without a default export that is a function", () => {
  const refused = (exports: Readonly<Record<string, unknown>>) =>
    assertThrows(() => moduleProcessor(exports, { path, ...misfits() }), TypeError).message;
  const wanted =
    'Cannot use module "words.ts": expected its default export to be a processor class, or a function ' +
    "(shardId, stream) => processor: got ";
  assertEquals(refused({}), `${wanted}none, but no exports`);
  assertEquals(refused({ Words, run: 1 }), `${wanted}none, but Words, run`);
  assertEquals(
    refused({ default: new Words("") }),
    `${wanted}an object with shardId, stream, processRecords, shardEnded`,
  );
  assertEquals(refused({ default: null }), `${wanted}null`);
});

Deno.test("moduleProcessor() tells of what is no processor as soon as it is made", () => {
  const wanted =
    'Cannot use module "words.ts": expected its default export to make objects with the methods ' +
    "processRecords and shardEnded (KCL v1: initialize, processRecords and shutdown): got ";
  const found: readonly (readonly [unknown, string])[] = [
    [() => undefined, "undefined"],
    [() => null, "null"],
    [() => "words", "string"],
    [() => ({}), "an object with nothing"],
    [() => ({ processRecords() {} }), "an object with processRecords"],
    [() => ({ processRecords() {}, shutdown() {} }), "an object with processRecords, shutdown"],
    [() => Promise.resolve(new Words("")), "a promise: make the processor without await"],
    [class Empty {}, "an object with nothing"],
  ];
  for (const [made, got] of found) {
    const { errors, onMisfit } = misfits();
    const make = moduleProcessor({ default: made }, { path, onMisfit });
    const error = assertThrows(() => make("shard-1", stream), TypeError);
    assertEquals(error.message, wanted + got);
    assertEquals(errors, [error]);
  }
});

Deno.test("moduleProcessor() leaves a constructor's own error to the worker, which tries again", () => {
  const { errors, onMisfit } = misfits();
  const make = moduleProcessor({
    default: () => {
      throw new Error("the database is away");
    },
  }, { path, onMisfit });
  assertThrows(() => make("shard-1", stream), Error, "the database is away");
  assertEquals(errors, []);
});

Deno.test("moduleProcessor() hands on the signal that the shard is to be left", () => {
  const given: unknown[] = [];
  const leaving = new AbortController().signal;
  const made = new Words("shard-1");
  const make = (...about: unknown[]) => {
    given.push(...about);
    return made;
  };
  moduleProcessor({ default: make }, { path, ...misfits() })("shard-1", stream, leaving);
  assertEquals(given, ["shard-1", stream, leaving]);
});

Deno.test("moduleProcessor() keeps what a factory or a class says of its processors", () => {
  class Marked extends Words {
    static readonly stores = "transaction";
  }
  const factory = Object.assign(() => new Words("shard-1"), { stores: "transaction", payloads: "base64" });
  const marksOf = (made: unknown) => {
    const { stores, payloads } = moduleProcessor({ default: made }, { path, ...misfits() });
    return [stores, payloads];
  };
  assertEquals(marksOf(factory), ["transaction", "base64"]);
  assertEquals(marksOf(Marked), ["transaction", undefined]);
  assertEquals(marksOf(Object.assign(() => new Words("shard-1"), { stores: "tea" })), [undefined, undefined]);
});
