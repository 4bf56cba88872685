package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * All tensors of a folder: {@code model.safetensors}, or the shards named by {@code
 * model.safetensors.index.json}. Shards are mapped, never copied, and unmapped by {@link #close()}.
 * Thread-safe.
 */
public final class CheckpointTensors implements TensorSource {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";
  private static final long MAX_INDEX_BYTES = 64L << 20;
  private static final int MAX_SHARDS = 4096;

  private final Arena arena;
  private final SortedMap<String, SafetensorsFile> byTensor;
  private final List<SafetensorsFile> files;
  private final String location;

  private CheckpointTensors(
      Arena arena,
      SortedMap<String, SafetensorsFile> byTensor,
      List<SafetensorsFile> files,
      String location) {
    this.arena = arena;
    this.byTensor = byTensor;
    this.files = files;
    this.location = location;
  }

  /**
   * Maps the weights of a folder.
   *
   * @throws CheckpointException listing missing, truncated and contradicting shards
   */
  public static CheckpointTensors open(Path folder) {
    return open(new CheckpointFolder.Directory(folder));
  }

  static CheckpointTensors open(CheckpointFolder folder) {
    Arena arena = Arena.ofShared();
    boolean opened = false;
    try {
      Problems problems = new Problems();
      SortedMap<String, SafetensorsFile> byTensor = new TreeMap<>();
      Map<String, SafetensorsFile> files = new LinkedHashMap<>();
      if (folder.exists(SINGLE)) {
        add(folder.safetensors(SINGLE, arena), files, byTensor, problems);
      } else if (folder.exists(INDEX)) {
        openShards(folder, arena, files, byTensor, problems);
      } else {
        throw noWeights(folder);
      }
      problems.throwIfAny();
      opened = true;
      return new CheckpointTensors(arena, byTensor, List.copyOf(files.values()), folder.location());
    } finally {
      if (!opened) {
        arena.close();
      }
    }
  }

  private static CheckpointException noWeights(CheckpointFolder folder) {
    boolean pickled =
        folder.exists("pytorch_model.bin") || folder.exists("pytorch_model.bin.index.json");
    return new CheckpointException(
        folder.location()
            + " has neither "
            + SINGLE
            + " nor "
            + INDEX
            + (pickled
                ? ", only pickled weights are there: convert them to safetensors."
                : ": name a folder in the published layout."));
  }

  private static void openShards(
      CheckpointFolder folder,
      Arena arena,
      Map<String, SafetensorsFile> files,
      SortedMap<String, SafetensorsFile> byTensor,
      Problems problems) {
    Map<String, String> weightMap = readIndex(folder);
    Set<String> shards = new LinkedHashSet<>(weightMap.values());
    if (shards.size() > MAX_SHARDS) {
      throw new CheckpointException(
          INDEX
              + " names "
              + shards.size()
              + " shards, allowed are "
              + MAX_SHARDS
              + ": restore the published file.");
    }
    for (String shard : shards) {
      if (!folder.exists(shard)) {
        problems.add(
            INDEX
                + " names the shard "
                + Problems.quote(shard)
                + ", which is not in "
                + folder.location()
                + " (one of "
                + shards.size()
                + "): download the missing file.");
      } else {
        problems.collect(() -> add(folder.safetensors(shard, arena), files, byTensor, problems));
      }
    }
    weightMap.forEach(
        (tensor, shard) -> {
          SafetensorsFile holder = byTensor.get(tensor);
          if (files.containsKey(shard) && (holder == null || !holder.name().equals(shard))) {
            problems.add(
                INDEX
                    + " puts tensor "
                    + Problems.quote(tensor)
                    + " into "
                    + Problems.quote(shard)
                    + ", which does not hold it: download index and shards of one revision.");
          }
        });
  }

  private static Map<String, String> readIndex(CheckpointFolder folder) {
    byte[] bytes = folder.read(INDEX, MAX_INDEX_BYTES).orElseThrow(() -> noWeights(folder));
    JsonNode map = Json.object(bytes, INDEX).get("weight_map");
    if (map == null || !map.isObject() || map.isEmpty()) {
      throw new CheckpointException(
          INDEX + " lacks a weight_map object: restore the published file.");
    }
    Map<String, String> out = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : map.properties()) {
      String shard = field.getValue().asText();
      // Plain names only: an index must not reach outside its folder.
      if (!shard.matches("[A-Za-z0-9_.\\-]{1,200}") || shard.startsWith(".")) {
        throw new CheckpointException(
            INDEX
                + " names the shard "
                + Problems.quote(shard)
                + ", allowed are plain file names: restore the published file.");
      }
      out.put(field.getKey(), shard);
    }
    return out;
  }

  private static void add(
      SafetensorsFile file,
      Map<String, SafetensorsFile> files,
      SortedMap<String, SafetensorsFile> byTensor,
      Problems problems) {
    files.put(file.name(), file);
    for (String tensor : file.tensorNames()) {
      SafetensorsFile other = byTensor.putIfAbsent(tensor, file);
      if (other != null) {
        problems.add(
            "tensor "
                + Problems.quote(tensor)
                + " is in "
                + other.name()
                + " and in "
                + file.name()
                + ", allowed is once: download shards of one revision.");
      }
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(byTensor.keySet());
  }

  /** Bytes of all tensors in all shards. */
  public long dataBytes() {
    return files.stream().mapToLong(SafetensorsFile::dataBytes).sum();
  }

  /** The mapped files in the order of the index. */
  public List<SafetensorsFile> files() {
    return files;
  }

  @Override
  public TensorView describe(String name) {
    return holder(name).describe(name);
  }

  @Override
  public TensorView tensor(String name) {
    return holder(name).tensor(name);
  }

  private SafetensorsFile holder(String name) {
    SafetensorsFile file = byTensor.get(name);
    if (file == null) {
      throw new CheckpointException(
          location + " lacks the tensor " + Problems.quote(name) + ": download it again.");
    }
    return file;
  }

  @Override
  public String revision() {
    Digest digest = new Digest();
    byte[] sample = new byte[512];
    for (SafetensorsFile file : files) {
      digest.add(file.header());
    }
    for (String name : byTensor.keySet()) {
      MemorySegment data = tensor(name).data();
      // Start, middle and end: fine-tuning moves every tensor, so samples tell revisions apart
      // without reading gigabytes.
      for (int part = 0; part < 3; part++) {
        long span = Math.max(0, data.byteSize() - sample.length);
        int count = (int) Math.min(sample.length, data.byteSize());
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, span / 2 * part, sample, 0, count);
        digest.add(sample, count);
      }
    }
    return digest.hex();
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
