/**
 * Everything that is measured beside kclite.
 *
 * @module
 */

import { clientKinesis } from "./client_kinesis.ts";
import { lifionKinesis } from "./lifion_kinesis.ts";
import type { Peer } from "./peer.ts";

/** All peers. Nothing of theirs is loaded before one of them has its turn. */
export const PEERS: readonly Peer[] = [clientKinesis, lifionKinesis];
