/**
 * One table driven in turns by us and by requests in the form that Java KCL sends: the legacy parameters `Expected` and
 * `AttributeUpdates`, never expressions.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { AttributeValue, Item } from "../../src/aws/dynamodb.ts";
import { lastWriter } from "../../src/lease/incarnation.ts";
import type { Lease } from "../../src/lease/lease.ts";
import {
  assign,
  checkpoint,
  evict,
  type LeaseWrite,
  marked,
  renew,
  startHandoff,
} from "../../src/lease/lease_write.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { newLease } from "../lease/fixtures.ts";
import { DYNAMODB_FIXTURES, type DynamoDBFixture } from "./fixtures.ts";

const KEY = newLease().leaseKey;

/** A worker that writes as Java does. `null` stands for an attribute that must not be there. */
class JavaWorker {
  readonly #fixture: DynamoDBFixture;

  constructor(fixture: DynamoDBFixture) {
    this.#fixture = fixture;
  }

  create(item: Item): Promise<boolean> {
    return this.#send("PutItem", { Item: item, Expected: expected({ leaseKey: null }) });
  }

  renew(counter: number, checkpointOwner: undefined | null): Promise<boolean> {
    return this.#update(
      { leaseCounter: n(counter + 1) },
      { leaseCounter: n(counter), ...(checkpointOwner === null ? { checkpointOwner } : {}) },
    );
  }

  assign(to: string, owner: string | null, checkpointOwner: string | null): Promise<boolean> {
    return this.#update({ leaseOwner: s(to), checkpointOwner: "DELETE", leaseCounter: "ADD 1" }, {
      leaseKey: s(KEY),
      leaseOwner: owner === null ? null : s(owner),
      checkpointOwner: checkpointOwner === null ? null : s(checkpointOwner),
    });
  }

  startHandoff(to: string, owner: string): Promise<boolean> {
    return this.#update({ leaseOwner: s(to), checkpointOwner: s(owner) }, {
      leaseKey: s(KEY),
      leaseOwner: s(owner),
      checkpointOwner: null,
    });
  }

  checkpoint(counter: number, sequenceNumber: string): Promise<boolean> {
    return this.#update({
      leaseCounter: n(counter + 1),
      checkpoint: s(sequenceNumber),
      checkpointSubSequenceNumber: n(0),
      ownerSwitchesSinceCheckpoint: n(0),
      pendingCheckpoint: "DELETE",
      pendingCheckpointSubSequenceNumber: "DELETE",
      pendingCheckpointState: "DELETE",
    }, { leaseCounter: n(counter) });
  }

  #update(
    updates: Readonly<Record<string, AttributeValue | "DELETE" | "ADD 1">>,
    conditions: Readonly<Record<string, AttributeValue | null>>,
  ): Promise<boolean> {
    const AttributeUpdates = Object.fromEntries(
      Object.entries(updates).map(([name, value]) => [
        name,
        value === "DELETE"
          ? { Action: "DELETE" }
          : value === "ADD 1"
          ? { Action: "ADD", Value: n(1) }
          : { Action: "PUT", Value: value },
      ]),
    );
    const Key = { leaseKey: s(KEY) };
    return this.#send("UpdateItem", { Key, AttributeUpdates, Expected: expected(conditions) });
  }

  async #send(operation: string, input: Readonly<Record<string, unknown>>): Promise<boolean> {
    const { status, body } = await this.#fixture.raw(operation, { TableName: "app", ...input });
    if (status === 200) return true;
    assert(String(body.__type).endsWith("ConditionalCheckFailedException"), JSON.stringify(body));
    return false;
  }
}

for (const [kind, open] of DYNAMODB_FIXTURES) {
  Deno.test(`${kind}: a lease passes between Java workers and ours, handoffs included`, async () => {
    await using fixture = await open();
    await fixture.leases.ensureTable();
    const java = new JavaWorker(fixture);
    const apply = async (write: LeaseWrite): Promise<Lease> => {
      const outcome = await fixture.leases.apply(write);
      assert(outcome.applied, write.operation);
      return outcome.lease;
    };
    const refused = async (write: LeaseWrite): Promise<Lease | undefined> => {
      const outcome = await fixture.leases.apply(write);
      assert(!outcome.applied, write.operation);
      return outcome.found;
    };

    assertEquals(await fixture.leases.create(newLease()), true);
    assertEquals(await java.create({ leaseKey: s(KEY), leaseCounter: n(0) }), false);

    // A Java leader assigns to us (counter 1); we renew (2); Java, late, misses both fences.
    assertEquals(await java.assign("ours", null, null), true);
    let ours = await read(fixture);
    assertEquals([ours.leaseOwner, ours.leaseCounter], ["ours", 1]);
    ours = await apply(renew(ours, 3.25));
    assertEquals(await java.renew(1, null), false);
    assertEquals(await java.assign("java", "somebody", null), false);

    // A Java leader hands over to a Java worker: we learn of it when a renewal is refused, drain, checkpoint and pass it on.
    assertEquals(await java.startHandoff("java", "ours"), true);
    assertEquals(await java.startHandoff("java", "ours"), false);
    const pending = await refused(renew(ours));
    assertEquals([pending?.leaseOwner, pending?.checkpointOwner, pending?.leaseCounter], ["java", "ours", 2]);
    assert(pending !== undefined);
    ours = await apply(renew(pending));
    assertEquals(await java.renew(3, null), false);
    ours = await apply(checkpoint(ours, positionAt("49000", 2)));
    ours = await apply(assign(ours, "java"));
    assertEquals([ours.leaseCounter, ours.ownerSwitchesSinceCheckpoint], [5, 0]);

    // Java renews and checkpoints (7); what we still remember is refused.
    assertEquals(await java.renew(5, null), true);
    assertEquals(await java.checkpoint(6, "49500"), true);
    await refused(renew(ours));
    await refused(checkpoint(ours, positionAt("49001")));

    // We lead: a handoff from Java to us, which Java completes; then a direct assignment, and a release.
    const javas = await read(fixture);
    assert(javas.leaseOwner === "java");
    await apply(startHandoff({ ...javas, leaseOwner: "java" }, "ours"));
    assertEquals(await java.renew(7, null), false);
    assertEquals(await java.renew(7, undefined), true);
    assertEquals(await java.assign("ours", "ours", "java"), true);
    ours = await read(fixture);
    assertEquals([ours.leaseOwner, ours.checkpointOwner, ours.leaseCounter], ["ours", undefined, 9]);
    ours = await apply(assign(ours, "java"));
    assertEquals(await java.renew(9, null), false);
    ours = await apply(evict(ours));
    assertEquals(await java.assign("java", "java", null), false);
    assertEquals(await java.assign("java", null, null), true);

    assertEquals(await fixture.items(), [{
      checkpoint: s("49500"),
      checkpointSubSequenceNumber: n(0),
      endingHashKey: s("340282366920938463463374607431768211455"),
      entityType: s("LEASE"),
      leaseCounter: n(12),
      leaseKey: s(KEY),
      leaseOwner: s("java"),
      ownerSwitchesSinceCheckpoint: n(1),
      startingHashKey: s("0"),
      throughputKBps: { N: "3.25" },
    }]);
  });
}

for (const [kind, open] of DYNAMODB_FIXTURES) {
  Deno.test(`${kind}: Java keeps our mark, which then says nothing of who wrote last`, async () => {
    await using fixture = await open();
    await fixture.leases.ensureTable();
    await fixture.leases.create(newLease());
    const java = new JavaWorker(fixture);
    const own = { workerId: "ours", generation: 7, nonce: "aa" };
    assertEquals(await java.assign("ours", null, null), true);
    await fixture.leases.apply(marked(renew(await read(fixture)), own));
    const mark = { ...own, leaseCounter: 2 };
    assertEquals(lastWriter(await read(fixture)), mark);
    assertEquals(await java.startHandoff("java", "ours"), true);
    assertEquals(lastWriter(await read(fixture)), mark, "a handoff leaves the counter alone");
    for (
      const write of [
        () => java.renew(2, undefined),
        () => java.checkpoint(3, "49500"),
        () => java.assign("java", "java", "ours"),
        () => java.assign("ours", "java", null),
      ]
    ) {
      assertEquals(await write(), true);
      const lease = await read(fixture);
      assertEquals([lease.mark, lastWriter(lease)], [mark, undefined]);
    }
  });
}

for (const [kind, open] of DYNAMODB_FIXTURES) {
  Deno.test(`${kind}: of ten of our renewals and ten of Java's at the same counter one wins`, async () => {
    await using fixture = await open();
    await fixture.leases.ensureTable();
    await fixture.leases.create(newLease());
    const java = new JavaWorker(fixture);
    const lease = await read(fixture);
    const won = await Promise.all(
      Array.from(
        { length: 20 },
        async (_, i) =>
          i % 2 === 0 ? (await fixture.leases.apply(renew(lease))).applied : await java.renew(0, null),
      ),
    );
    assertEquals(won.filter(Boolean).length, 1);
    assertEquals((await read(fixture)).leaseCounter, 1);
  });
}

for (const [kind, open] of DYNAMODB_FIXTURES) {
  Deno.test(`${kind}: a deleted lease comes back neither by our writes nor by Java's`, async () => {
    await using fixture = await open();
    await fixture.leases.ensureTable();
    await fixture.leases.create(newLease());
    const lease = await read(fixture);
    const java = new JavaWorker(fixture);
    await fixture.leases.delete(KEY);
    assertEquals(await java.assign("java", null, null), false);
    assertEquals(await java.renew(0, null), false);
    for (const write of [assign(lease, "ours"), evict(lease), renew(lease)]) {
      assertEquals(await fixture.leases.apply(write), { applied: false, found: undefined });
    }
    assertEquals(await fixture.items(), []);
  });
}

function s(text: string): AttributeValue {
  return { S: text };
}

function n(number: number): AttributeValue {
  return { N: `${number}` };
}

function expected(conditions: Readonly<Record<string, AttributeValue | null>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(conditions).map(([name, value]) => [
      name,
      value === null ? { Exists: false } : { Value: value },
    ]),
  );
}

async function read(fixture: DynamoDBFixture): Promise<Lease> {
  const lease = await fixture.leases.get(KEY);
  assert(lease !== undefined);
  return lease;
}
