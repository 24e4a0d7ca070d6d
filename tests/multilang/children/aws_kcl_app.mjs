/**
 * A program on AWS's own library for Node.js, unmodified. It notes its calls on stderr, one JSON text a line. With the
 * argument `v1` it has the legacy `shutdown`; with `throw` it throws on records.
 */

import process from "node:process";
// Node does not know "npm:" names: there the library is installed beside a copy of this file.
const { default: kcl } = await import("Deno" in globalThis ? "npm:aws-kcl@2.3.2" : "aws-kcl");

const note = (...what) => process.stderr.write(`${JSON.stringify(what)}\n`);
const mode = process.argv[2];

const processor = {
  initialize(input, done) {
    note("initialize", input);
    done();
  },
  processRecords(input, done) {
    const { records, millisBehindLatest, checkpointer } = input;
    note(
      "records",
      millisBehindLatest,
      records.map((record) => Buffer.from(record.data, "base64").toString()),
    );
    if (mode === "throw") throw new Error("as asked");
    checkpointer.checkpoint(records.at(-1).sequenceNumber, (error, sequenceNumber) => {
      note("checkpointed", error, sequenceNumber);
      done();
    });
  },
  shutdownRequested(input, done) {
    note("shutdownRequested");
    input.checkpointer.checkpoint((error, sequenceNumber) => {
      note("checkpointed", error, sequenceNumber ?? null);
      done();
    });
  },
};
const current = {
  leaseLost(_input, done) {
    note("leaseLost");
    done();
  },
  shardEnded(input, done) {
    note("shardEnded");
    input.checkpointer.checkpoint((error) => {
      note("checkpointed", error);
      done();
    });
  },
};
const legacy = {
  shutdown(input, done) {
    note("shutdown", input.reason);
    if (input.reason !== "TERMINATE") return done();
    input.checkpointer.checkpoint((error) => {
      note("checkpointed", error);
      done();
    });
  },
};

console.log("noise on stdout");
kcl({ ...processor, ...(mode === "v1" ? legacy : current) }).run();
