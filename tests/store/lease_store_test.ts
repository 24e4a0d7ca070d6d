import { FIXTURES } from "./fixtures.ts";
import { leaseStoreContract } from "./lease_store_contract.ts";

for (const [kind, open] of FIXTURES) leaseStoreContract(kind, open);
