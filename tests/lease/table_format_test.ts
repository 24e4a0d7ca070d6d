import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { newClientVersion, tableFormat } from "../../src/lease/table_format.ts";
import cases from "../cases/table_format.json" with { type: "json" };

/** A case as its table writes it; `refuse` is a part of the reason. */
interface Case {
  readonly comment: string;
  readonly legacy?: boolean;
  readonly tm?: string;
  readonly cv?: string;
  readonly hasLeases?: boolean;
  readonly migrate?: boolean;
  readonly refuse?: string;
  readonly place?: string;
  readonly mayLead?: boolean;
  readonly supportCode?: number;
  readonly isFinal?: boolean;
  readonly create?: boolean;
}

for (const one of cases as readonly Case[]) {
  Deno.test(`tableFormat(): ${one.comment}`, () => {
    const decision = tableFormat({
      legacyTableExists: one.legacy ?? false,
      tableMigration: one.tm === undefined ? undefined : { value: one.tm },
      clientVersion: one.cv === undefined ? undefined : { value: one.cv },
      hasLeases: one.hasLeases ?? false,
      migrateAllEntitiesToLeaseTable: one.migrate,
    });
    if (one.refuse !== undefined) {
      assert(decision.type === "refuse", "joins");
      return assertStringIncludes(decision.reason, one.refuse);
    }
    assert(decision.type === "join", decision.type === "refuse" ? decision.reason : "");
    const { format: { place, mayLead, supportCode, isFinal }, createClientVersion } = decision;
    assertEquals(
      { place, mayLead, supportCode, isFinal, create: createClientVersion },
      {
        place: one.place,
        mayLead: one.mayLead,
        supportCode: one.supportCode,
        isFinal: one.isFinal,
        create: one.create,
      },
    );
  });
}

Deno.test("newClientVersion() has all that Java wants of a state, and its history", () => {
  assertEquals(newClientVersion("w-1", 1_700_000_000_000), {
    key: "Migration3.0",
    value: "CLIENT_VERSION_3X",
    modifiedBy: "w-1",
    modifiedEpochMs: 1_700_000_000_000,
    history: [{ value: "CLIENT_VERSION_INIT", modifiedBy: "w-1", modifiedEpochMs: 1_700_000_000_000 }],
  });
});
