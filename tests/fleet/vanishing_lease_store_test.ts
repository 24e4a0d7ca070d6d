import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AwsServiceError, type LeaseTableError } from "../../src/errors.ts";
import { TABLE_MISSING_MS, VanishingLeaseStore } from "../../src/fleet/vanishing_lease_store.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

function setUp() {
  const bed = new MemoryBed();
  const gone: LeaseTableError[] = [];
  const { clock, emit, store: leaseStore } = bed;
  const onGone = (error: LeaseTableError) => void gone.push(error);
  const store = new VanishingLeaseStore({ leaseStore, tableName: "app", clock, emit, onGone });
  const notices = () => eventsOf(bed.events, "notice").map(({ level, text }) => `${level}: ${text}`);
  return { bed, gone, store, notices };
}

const MISSING = 'warning: Lease table "app" is missing: the worker ends unless it is there again within 60 s';

Deno.test("VanishingLeaseStore names a table that is missing, once, and ends the worker after a while", async () => {
  const { bed, gone, store, notices } = setUp();
  await store.list();
  bed.table.drop();
  const error = await assertRejects(() => store.leaseKeysOwnedBy("w"), AwsServiceError);
  assertEquals(error.code, "ResourceNotFoundException");
  assertMatch(error.message, /there is no lease table "app" any more/);
  bed.clock.jump(TABLE_MISSING_MS - 1);
  await assertRejects(() => store.get("a"), AwsServiceError);
  assertEquals([notices(), gone], [[MISSING], []]);
  bed.clock.jump(1);
  await assertRejects(() => store.list(), AwsServiceError);
  assertEquals(gone.length, 1);
  assertMatch(
    gone[0]?.message ?? "",
    /^Cannot use lease table "app" any more: it has been missing for 60 s, and all checkpoints with it: restore it .* or start again/,
  );
  assert(gone[0]?.cause instanceof AwsServiceError);
});

Deno.test("VanishingLeaseStore counts anew when the table was there in between", async () => {
  const { bed, gone, store, notices } = setUp();
  bed.table.drop();
  await assertRejects(() => store.list(), AwsServiceError);
  bed.clock.jump(TABLE_MISSING_MS - 1);
  bed.table.create();
  await store.list();
  bed.table.drop();
  bed.clock.jump(1);
  await assertRejects(() => store.list(), AwsServiceError);
  bed.clock.jump(TABLE_MISSING_MS - 1);
  await assertRejects(() => store.list(), AwsServiceError);
  assertEquals(notices(), [MISSING, 'info: Lease table "app" is there again', MISSING]);
  assertEquals(gone, []);
});

Deno.test("VanishingLeaseStore takes no other failure for a missing table", async () => {
  const bed = new MemoryBed();
  const failure = new Error("network");
  const gone: LeaseTableError[] = [];
  const { clock, emit } = bed;
  const leaseStore = new Proxy(bed.store, { get: () => () => Promise.reject(failure) });
  const onGone = (error: LeaseTableError) => void gone.push(error);
  const store = new VanishingLeaseStore({ leaseStore, tableName: "app", clock, emit, onGone });
  for (let i = 0; i < 3; i++) {
    assertEquals(await store.list().catch((error) => error), failure);
    bed.clock.jump(TABLE_MISSING_MS);
  }
  assertEquals([gone, bed.events], [[], []]);
});
