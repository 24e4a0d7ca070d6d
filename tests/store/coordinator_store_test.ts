import { coordinatorStoreContract } from "./coordinator_store_contract.ts";
import { FIXTURES } from "./fixtures.ts";

for (const [kind, open] of FIXTURES) coordinatorStoreContract(kind, open);
