/**
 * The package @bufbuild/protobuf, which reads messages without making code, and a message as its compiler
 * describes it.
 *
 * @module
 */

import { create, createFileRegistry, type DescMessage, fromBinary } from "npm:@bufbuild/protobuf@2.17.0";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorSetSchema,
} from "npm:@bufbuild/protobuf@2.17.0/wkt";

export { fromBinary };

/** A message with one field: `string id = 1`. */
export function messageWithId(name: string): DescMessage {
  const type = FieldDescriptorProto_Type.STRING, label = FieldDescriptorProto_Label.OPTIONAL;
  const field = [{ name: "id", jsonName: "id", number: 1, type, label }];
  const file = [{ name: "orders.proto", syntax: "proto3", messageType: [{ name, field }] }];
  const found = createFileRegistry(create(FileDescriptorSetSchema, { file })).getMessage(name);
  if (found === undefined) throw new Error(`expected a message ${name}`);
  return found;
}
