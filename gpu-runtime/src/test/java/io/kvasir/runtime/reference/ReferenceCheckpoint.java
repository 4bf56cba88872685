package io.kvasir.runtime.reference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A checkpoint folder read plainly: config.json as a tree, every tensor of every shard widened to
 * f64. For small models.
 */
final class ReferenceCheckpoint {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A tensor in storage order. */
  record Dense(long[] shape, double[] values) {}

  final JsonNode config;
  private final Map<String, Dense> tensors = new LinkedHashMap<>();

  ReferenceCheckpoint(Path folder) throws IOException {
    config = JSON.readTree(folder.resolve("config.json").toFile());
    List<Path> shards;
    try (Stream<Path> files = Files.list(folder)) {
      shards = files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
    }
    for (Path shard : shards) {
      readShard(shard);
    }
  }

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  Dense tensor(String name) {
    Dense tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no tensor " + name + " among " + tensors.keySet());
    }
    return tensor;
  }

  int integer(String key) {
    if (!config.hasNonNull(key)) {
      throw new IllegalStateException("config.json has no " + key);
    }
    return config.get(key).asInt();
  }

  int integer(String key, int absent) {
    return config.hasNonNull(key) ? config.get(key).asInt() : absent;
  }

  double number(String key, double absent) {
    return config.hasNonNull(key) ? config.get(key).asDouble() : absent;
  }

  private void readShard(Path shard) throws IOException {
    try (FileChannel channel = FileChannel.open(shard)) {
      ByteBuffer file =
          channel
              .map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
              .order(ByteOrder.LITTLE_ENDIAN);
      int headerBytes = Math.toIntExact(file.getLong(0));
      byte[] header = new byte[headerBytes];
      file.get(8, header);
      JsonNode entries = JSON.readTree(new String(header, StandardCharsets.UTF_8));
      for (Map.Entry<String, JsonNode> entry : entries.properties()) {
        if (!entry.getKey().equals("__metadata__")) {
          tensors.put(entry.getKey(), read(file, 8 + headerBytes, entry.getValue()));
        }
      }
    }
  }

  private static Dense read(ByteBuffer file, int dataStart, JsonNode entry) {
    long[] shape = new long[entry.get("shape").size()];
    long count = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = entry.get("shape").get(i).asLong();
      count *= shape[i];
    }
    int at = dataStart + entry.get("data_offsets").get(0).asInt();
    double[] values = new double[Math.toIntExact(count)];
    String type = entry.get("dtype").asText();
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case "F32" -> file.getFloat(at + 4 * i);
            case "F16" -> Float.float16ToFloat(file.getShort(at + 2 * i));
            case "BF16" -> Float.intBitsToFloat(file.getShort(at + 2 * i) << 16);
            default -> throw new IllegalStateException("dtype " + type);
          };
    }
    return new Dense(shape, values);
  }
}
