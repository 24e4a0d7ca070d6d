import { FIXTURES } from "./fixtures.ts";
import { leaseItemsContract } from "./lease_items_contract.ts";

for (const [kind, open] of FIXTURES) leaseItemsContract(kind, open);
