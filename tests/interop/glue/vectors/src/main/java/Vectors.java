import com.amazonaws.services.schemaregistry.common.GlueSchemaRegistryDataFormatSerializer;
import com.amazonaws.services.schemaregistry.common.configs.GlueSchemaRegistryConfiguration;
import com.amazonaws.services.schemaregistry.serializers.SerializationDataEncoder;
import com.amazonaws.services.schemaregistry.serializers.avro.AvroSerializer;
import com.amazonaws.services.schemaregistry.serializers.json.JsonDataWithSchema;
import com.amazonaws.services.schemaregistry.serializers.json.JsonSerializer;
import com.amazonaws.services.schemaregistry.serializers.protobuf.ProtobufSerializer;
import com.amazonaws.services.schemaregistry.utils.AWSSchemaRegistryConstants.COMPRESSION;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import java.util.HexFormat;
import java.util.UUID;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/** Prints one record of each kind, in hexadecimal, as AWS's serializers write it: `name<TAB>id<TAB>bytes`. */
public final class Vectors {
  static final GlueSchemaRegistryConfiguration PLAIN = new GlueSchemaRegistryConfiguration("us-east-1");
  static final GlueSchemaRegistryConfiguration ZLIB = new GlueSchemaRegistryConfiguration("us-east-1");

  public static void main(String[] args) throws Exception {
    ZLIB.setCompressionType(COMPRESSION.ZLIB);

    Schema schema = new Schema.Parser().parse(
        "{\"type\":\"record\",\"name\":\"Order\",\"fields\":["
            + "{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"total\",\"type\":\"double\"}]}");
    GenericRecord order = new GenericData.Record(schema);
    order.put("id", "größer");
    order.put("total", 12.5);
    print("avro", "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63", new AvroSerializer(), order);

    String jsonSchema = "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\"}";
    Object json = JsonDataWithSchema.builder(jsonSchema, "{\"id\":\"größer\",\"total\":12.5}").build();
    print("json", "f8b4a7f0-9c96-4e4a-a687-fb5de9ef0c63", new JsonSerializer(PLAIN), json);

    FileDescriptor file = FileDescriptor.buildFrom(
        FileDescriptorProto.newBuilder()
            .setName("orders.proto")
            .setSyntax("proto3")
            .addMessageType(message("Zebra"))
            .addMessageType(message("B")
                .addNestedType(message("C"))
                .addNestedType(message("A").addNestedType(message("D"))))
            .build(),
        new FileDescriptor[0]);
    Descriptor b = file.findMessageTypeByName("B");
    Descriptor a = b.findNestedTypeByName("A");
    Descriptor[] all = {b, a, a.findNestedTypeByName("D"), b.findNestedTypeByName("C"),
        file.findMessageTypeByName("Zebra")};
    for (Descriptor type : all) {
      DynamicMessage value = DynamicMessage.newBuilder(type)
          .setField(type.findFieldByName("id"), type.getFullName()).build();
      print("protobuf " + type.getFullName(), "00000000-0000-0000-0000-0000000000ff",
          new ProtobufSerializer(PLAIN), value);
    }
  }

  static DescriptorProto.Builder message(String name) {
    return DescriptorProto.newBuilder().setName(name).addField(FieldDescriptorProto.newBuilder()
        .setName("id").setNumber(1).setType(FieldDescriptorProto.Type.TYPE_STRING)
        .setLabel(FieldDescriptorProto.Label.LABEL_OPTIONAL));
  }

  static void print(String name, String id, GlueSchemaRegistryDataFormatSerializer serializer, Object value) {
    byte[] payload = serializer.serialize(value);
    System.out.println(line(name, id, PLAIN, payload));
    System.out.println(line(name + " zlib", id, ZLIB, payload));
  }

  static String line(String name, String id, GlueSchemaRegistryConfiguration config, byte[] payload) {
    byte[] record = new SerializationDataEncoder(config).write(payload, UUID.fromString(id));
    return name + "\t" + id + "\t" + HexFormat.of().formatHex(record);
  }
}
