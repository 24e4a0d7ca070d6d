import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { ConsumerRegistration, REGISTRATION_BUDGET_MS } from "../../src/retrieval/fan_out_registration.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ScriptedConsumers } from "../support/scripted_consumers.ts";
import { ScriptedKinesis, serviceError } from "../support/scripted_kinesis.ts";

function bed(more: { readonly consumerArn?: string; readonly streamArn?: string | undefined } = {}) {
  const clock = new FakeClock();
  const consumers = new ScriptedConsumers(clock);
  consumers.descriptions = ["absent"];
  const kinesis = new ScriptedKinesis();
  const notices: string[] = [];
  const registration = new ConsumerRegistration({
    consumers,
    kinesis,
    stream: { streamName: "words", streamArn: "streamArn" in more ? more.streamArn : "arn:words" },
    consumerName: "app",
    consumerArn: more.consumerArn,
    system: { clock, random: () => 0, fetch },
    emit: (event) => notices.push(event.type === "notice" ? event.text : event.type),
  });
  return { clock, consumers, kinesis, registration, notices };
}

const never = new AbortController().signal;

/** Notes how a promise ends, and keeps its failure from going unheard. */
function watched<T>(promise: Promise<T>) {
  const watch: { value?: T; error?: unknown } = {};
  promise.then((value) => watch.value = value, (error) => watch.error = error);
  return watch;
}

Deno.test("ConsumerRegistration takes a consumer that is ACTIVE, without waiting", async () => {
  const { consumers, registration, clock } = bed();
  consumers.descriptions = ["ACTIVE"];
  assertEquals(await registration.arn(never), "arn:app");
  assertEquals(consumers.calls, ["describe app"]);
  assertEquals(await registration.arn(never), "arn:app");
  assertEquals([consumers.calls.length, clock.monotonicMs()], [1, 0]);
});

Deno.test("ConsumerRegistration registers a consumer that is missing, and waits until it is ACTIVE", async () => {
  const { consumers, registration, clock, notices } = bed();
  consumers.descriptions = ["absent", "CREATING", "ACTIVE"];
  const arn = watched(registration.arn(never));
  await clock.advance(1999);
  assertEquals(arn.value, undefined);
  await clock.advance(1);
  assertEquals(arn.value, "arn:app");
  assertEquals(consumers.calls, ["describe app", "register app", "describe app", "describe app"]);
  assertEquals(notices, [
    'Registered enhanced fan-out consumer "app" of arn:words; AWS charges for it until it is deregistered.',
    'Enhanced fan-out consumer "app" is not ACTIVE yet (CREATING); its shards wait for it.',
  ]);
});

Deno.test("ConsumerRegistration waits much longer than KCL's 10 s", async () => {
  const { consumers, registration, clock } = bed();
  consumers.descriptions = ["CREATING"];
  const arn = watched(registration.arn(never));
  await clock.advance(REGISTRATION_BUDGET_MS - 5000);
  consumers.descriptions = ["ACTIVE"];
  await clock.advance(1000);
  assertEquals(arn.value, "arn:app");
});

Deno.test("ConsumerRegistration goes on where another worker was faster", async () => {
  const { consumers, registration, clock } = bed();
  consumers.descriptions = ["absent", "ACTIVE"];
  consumers.registerScript.push(serviceError("ResourceInUseException"));
  const arn = watched(registration.arn(never));
  await clock.advance(1000);
  assertEquals(arn.value, "arn:app");
});

Deno.test("ConsumerRegistration registers again once a consumer that is being deleted is gone", async () => {
  const { consumers, registration, clock } = bed();
  consumers.descriptions = ["DELETING", "absent", "ACTIVE"];
  const arn = watched(registration.arn(never));
  await clock.advance(2000);
  assertEquals(arn.value, "arn:app");
  assertEquals(consumers.calls, ["describe app", "describe app", "register app", "describe app"]);
});

Deno.test("ConsumerRegistration gives up after its budget, saying why, and starts over when asked again", async () => {
  const { consumers, registration, clock } = bed();
  const refusal = serviceError("LimitExceededException");
  consumers.registerScript.push(...Array(400).fill(refusal));
  const arn = watched(registration.arn(never));
  await clock.advance(REGISTRATION_BUDGET_MS + 2000);
  assert(arn.error instanceof Error);
  assertEquals(
    arn.error.message,
    'Cannot use enhanced fan-out consumer "app" of arn:words: expected it to be ACTIVE within 300 s: it is LimitExceededException: ' +
      "a stream has room for 20 consumers, deregister one or set retrievalMode to POLLING",
  );
  assertStrictEquals(arn.error.cause, refusal);
  consumers.descriptions = ["ACTIVE"];
  assertEquals(await registration.arn(never), "arn:app");
});

Deno.test("ConsumerRegistration passes other refusals on at once", async () => {
  const { consumers, registration } = bed();
  const denied = serviceError("AccessDeniedException");
  consumers.descriptions = [denied];
  assertStrictEquals(await assertRejects(() => registration.arn(never), Error), denied);
});

Deno.test("ConsumerRegistration lets all shards wait for one search", async () => {
  const { consumers, registration, clock } = bed();
  consumers.descriptions = ["absent", "ACTIVE"];
  const arns = [1, 2, 3].map(() => watched(registration.arn(never)));
  await clock.advance(1000);
  assertEquals(arns.map((arn) => arn.value), ["arn:app", "arn:app", "arn:app"]);
  assertEquals(consumers.calls, ["describe app", "register app", "describe app"]);
});

Deno.test("ConsumerRegistration keeps searching for the others when one shard stops, and stops with the last", async () => {
  const { consumers, registration, clock } = bed();
  consumers.descriptions = ["CREATING"];
  const [one, two] = [new AbortController(), new AbortController()];
  const [first, second] = [watched(registration.arn(one.signal)), watched(registration.arn(two.signal))];
  await clock.advance(500);
  const reason = new Error("lease lost");
  one.abort(reason);
  await clock.advance(0);
  assertStrictEquals(first.error, reason);
  assertEquals([second.error, clock.pendingMs.length], [undefined, 1]);
  two.abort(reason);
  await clock.advance(0);
  assertStrictEquals(second.error, reason);
  assertEquals(clock.pendingMs, []);
  assertStrictEquals(await assertRejects(() => registration.arn(one.signal), Error), reason);
});

Deno.test("ConsumerRegistration asks DescribeStreamSummary for a stream's ARN, and needs one", async () => {
  const { consumers, kinesis, registration, clock } = bed({ streamArn: undefined });
  consumers.descriptions = ["ACTIVE"];
  const summary = {
    streamName: "words",
    streamStatus: "ACTIVE",
    streamCreationEpochS: undefined,
    openShardCount: 1,
  } as const;
  kinesis.describeStreamSummary = () => Promise.resolve({ ...summary, streamArn: undefined });
  await assertRejects(
    () => registration.arn(never),
    Error,
    'Cannot read stream "words" by enhanced fan-out: expected it to have an ARN',
  );
  kinesis.describeStreamSummary = () => Promise.resolve({ ...summary, streamArn: "arn:words" });
  const arn = watched(registration.arn(never));
  await clock.advance(1000);
  assertEquals(arn.value, "arn:app");
});

Deno.test("ConsumerRegistration searches again once the consumer is forgotten, unless another one is known", async () => {
  const { consumers, registration } = bed();
  consumers.descriptions = ["ACTIVE"];
  await registration.arn(never);
  registration.forget("arn:another");
  await registration.arn(never);
  assertEquals(consumers.calls.length, 1);
  registration.forget("arn:app");
  await registration.arn(never);
  assertEquals(consumers.calls.length, 2);
});

Deno.test("ConsumerRegistration takes a given ARN as it is: no calls, not forgotten, not deregistered", async () => {
  const { consumers, registration } = bed({ consumerArn: "arn:given" });
  assertEquals(await registration.arn(never), "arn:given");
  registration.forget("arn:given");
  assertEquals(await registration.arn(never), "arn:given");
  assertEquals(await registration.deregister(), false);
  assertEquals(consumers.calls, []);
});

Deno.test("ConsumerRegistration.deregister() deregisters what was used, once", async () => {
  const { consumers, registration, notices } = bed();
  assertEquals(await registration.deregister(), false);
  consumers.descriptions = ["ACTIVE"];
  await registration.arn(never);
  assertEquals(await registration.deregister(), true);
  assertEquals(await registration.deregister(), false);
  assertEquals(consumers.calls, ["describe app", "deregister arn:app"]);
  assertEquals(notices, ["Deregistered enhanced fan-out consumer arn:app."]);
});

Deno.test("ConsumerRegistration refuses a name that Kinesis would refuse", () => {
  const { consumers, kinesis, clock } = bed();
  for (const consumerName of ["", "my app", "ä", "x".repeat(129)]) {
    assertThrows(
      () =>
        new ConsumerRegistration({
          consumers,
          kinesis,
          stream: { streamName: "words", streamArn: undefined },
          consumerName,
          system: { clock, random: () => 0, fetch },
          emit: () => {},
        }),
      RangeError,
      "expected a name of 1 to 128 letters",
    );
  }
});
