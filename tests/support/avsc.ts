/**
 * The package avsc, with which users of Avro read and write.
 *
 * @module
 */

import avsc from "npm:avsc@5.7.9";

export { avsc };
