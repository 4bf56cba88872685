package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes weights in the published layout: {@code model.safetensors}, or numbered shards with an
 * index. Small files (config.json, tokenizer.json) are written beside as given. Not thread-safe;
 * one writer, one folder, ended by {@link #finish()}.
 */
public final class CheckpointWriter {
  /** Values in row-major order; one float per element whatever type they are stored in. */
  private record Named(String name, DType dtype, long[] shape, float[] values) {
    long lengthBytes() {
      return (long) values.length * dtype.widthBytes();
    }
  }

  private final Path folder;
  private final List<Named> tensors = new ArrayList<>();

  public CheckpointWriter(Path folder) throws IOException {
    this.folder = Files.createDirectories(folder);
  }

  /** Writes a small file as it is. */
  public CheckpointWriter file(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
    return this;
  }

  /** Adds a tensor; the array is kept until {@link #finish()} and not copied. */
  public CheckpointWriter tensor(String name, DType dtype, float[] values, long... shape) {
    if (!dtype.isWeight()) {
      throw new IllegalArgumentException(dtype + " is not a weight type, use BF16, F16 or F32");
    }
    if (TensorView.elementCount(shape) != values.length) {
      throw new IllegalArgumentException(
          name + " has " + values.length + " values, its shape needs another number");
    }
    tensors.add(new Named(name, dtype, shape.clone(), values));
    return this;
  }

  /** Writes everything into one file. */
  public void finish() throws IOException {
    writeShard(CheckpointTensors.SINGLE, tensors);
  }

  /** Writes shards of at most {@code maxShardBytes} (one tensor at least) and their index. */
  public void finishSharded(long maxShardBytes) throws IOException {
    List<List<Named>> shards = new ArrayList<>();
    long used = Long.MAX_VALUE / 2;
    for (Named tensor : tensors) {
      if (used + tensor.lengthBytes() > maxShardBytes) {
        shards.add(new ArrayList<>());
        used = 0;
      }
      shards.get(shards.size() - 1).add(tensor);
      used += tensor.lengthBytes();
    }
    ObjectNode index = Json.MAPPER.createObjectNode();
    index.putObject("metadata").put("total_size", totalBytes());
    ObjectNode weightMap = index.putObject("weight_map");
    for (int s = 0; s < shards.size(); s++) {
      String name = "model-%05d-of-%05d.safetensors".formatted(s + 1, shards.size());
      shards.get(s).forEach(tensor -> weightMap.put(tensor.name(), name));
      writeShard(name, shards.get(s));
    }
    file(CheckpointTensors.INDEX, index.toPrettyString());
  }

  private long totalBytes() {
    return tensors.stream().mapToLong(Named::lengthBytes).sum();
  }

  private void writeShard(String fileName, List<Named> shard) throws IOException {
    try (OutputStream out =
        new BufferedOutputStream(Files.newOutputStream(folder.resolve(fileName)), 1 << 16)) {
      byte[] header = header(shard);
      out.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
      out.write(header);
      for (Named tensor : shard) {
        out.write(encode(tensor));
      }
    }
  }

  private static byte[] header(List<Named> shard) throws JsonProcessingException {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("__metadata__", Map.of("format", "pt"));
    long offset = 0;
    for (Named tensor : shard) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("dtype", tensor.dtype().name());
      entry.put("shape", tensor.shape());
      entry.put("data_offsets", new long[] {offset, offset + tensor.lengthBytes()});
      root.put(tensor.name(), entry);
      offset += tensor.lengthBytes();
    }
    String json = Json.MAPPER.writeValueAsString(root);
    // Spaces align the data to 8 bytes, as the published writer does.
    int padded = (json.getBytes(StandardCharsets.UTF_8).length + 7) & ~7;
    return (json + " ".repeat(padded - json.getBytes(StandardCharsets.UTF_8).length))
        .getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] encode(Named tensor) {
    ByteBuffer out =
        ByteBuffer.allocate(Math.toIntExact(tensor.lengthBytes())).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : tensor.values()) {
      switch (tensor.dtype()) {
        case F32 -> out.putFloat(value);
        case F16 -> out.putShort(Float.floatToFloat16(value));
        default -> out.putShort(BFloat16.fromFloat(value));
      }
    }
    return out.array();
  }
}
