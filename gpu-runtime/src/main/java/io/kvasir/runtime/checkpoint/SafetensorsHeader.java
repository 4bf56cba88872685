package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The JSON header of a safetensors file:
 *
 * <pre>
 * offset 0        8 bytes  header length N, little endian
 * offset 8        N bytes  {"name": {"dtype": "BF16", "shape": [..], "data_offsets": [from, to]}}
 * offset 8 + N    data     tensors, little endian, offsets relative to here, no hole, no overlap
 * </pre>
 *
 * Every number is checked against the file's length before it is used.
 */
final class SafetensorsHeader {
  static final int PREFIX_BYTES = 8;
  static final long MAX_HEADER_BYTES = 100_000_000;
  private static final int MAX_DIMENSIONS = 8;

  /** One tensor; offsets are relative to the start of the data. */
  record Entry(String name, DType dtype, long[] shape, long fromByte, long toByte) {}

  private SafetensorsHeader() {}

  /** Header length as stated by the first eight bytes, checked against the file. */
  static int headerLength(long statedBytes, long fileBytes, String file) {
    if (statedBytes < 2
        || statedBytes > MAX_HEADER_BYTES
        || statedBytes > fileBytes - PREFIX_BYTES) {
      throw new CheckpointException(
          file
              + " states a header of "
              + Long.toUnsignedString(statedBytes)
              + " bytes, allowed are 2 to "
              + Math.max(0, Math.min(MAX_HEADER_BYTES, fileBytes - PREFIX_BYTES))
              + " for its length of "
              + fileBytes
              + " bytes: download it again.");
    }
    return (int) statedBytes;
  }

  static Map<String, Entry> parse(byte[] json, long dataBytes, String file) {
    JsonNode root = Json.strictObject(json, file);
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (!field.getKey().equals("__metadata__")) {
        entries.put(field.getKey(), entry(field.getKey(), field.getValue(), dataBytes, file));
      }
    }
    refuseHolesAndOverlaps(entries, dataBytes, file);
    return entries;
  }

  private static Entry entry(String name, JsonNode node, long dataBytes, String file) {
    String where = file + ": tensor " + Problems.quote(name);
    JsonNode dtypeNode = node.get("dtype");
    String tag = dtypeNode == null ? "absent" : dtypeNode.asText();
    DType dtype =
        DType.ofSafetensors(tag)
            .orElseThrow(
                () ->
                    new CheckpointException(
                        where
                            + " has dtype "
                            + Problems.quote(tag)
                            + ", supported are BF16, F16 and F32: convert the checkpoint."));
    long[] shape = longs(node.get("shape"), MAX_DIMENSIONS, where + " shape");
    long[] offsets = longs(node.get("data_offsets"), 2, where + " data_offsets");
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw new CheckpointException(
          where + " needs two ascending data_offsets: download the file again.");
    }
    if (offsets[1] > dataBytes) {
      throw new CheckpointException(
          where
              + " ends at data byte "
              + offsets[1]
              + ", but the file holds only "
              + dataBytes
              + " data bytes (truncated): download it again.");
    }
    long expectedBytes;
    try {
      expectedBytes = Math.multiplyExact(TensorView.elementCount(shape), dtype.widthBytes());
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          where + " has a shape beyond 2^63 bytes: download the file again.", e);
    }
    if (expectedBytes != offsets[1] - offsets[0]) {
      throw new CheckpointException(
          where
              + " spans "
              + (offsets[1] - offsets[0])
              + " bytes, its shape and dtype need "
              + expectedBytes
              + ": download the file again.");
    }
    return new Entry(name, dtype, shape, offsets[0], offsets[1]);
  }

  private static long[] longs(JsonNode node, int maxCount, String where) {
    if (node == null || !node.isArray() || node.size() > maxCount) {
      throw new CheckpointException(
          where
              + " must be a list of at most "
              + maxCount
              + " whole numbers: download the file again.");
    }
    long[] out = new long[node.size()];
    for (int i = 0; i < out.length; i++) {
      JsonNode value = node.get(i);
      if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
        throw new CheckpointException(
            where
                + " holds "
                + Problems.quote(value.asText())
                + ", allowed are whole numbers from 0: download the file again.");
      }
      out[i] = value.longValue();
    }
    return out;
  }

  private static void refuseHolesAndOverlaps(
      Map<String, Entry> entries, long dataBytes, String file) {
    List<Entry> sorted = new ArrayList<>(entries.values());
    sorted.sort(Comparator.comparingLong(Entry::fromByte).thenComparingLong(Entry::toByte));
    long end = 0;
    for (Entry entry : sorted) {
      if (entry.fromByte() != end) {
        throw new CheckpointException(
            file
                + ": tensor "
                + Problems.quote(entry.name())
                + " starts at data byte "
                + entry.fromByte()
                + (entry.fromByte() < end ? ", inside" : ", beyond")
                + " the end of its predecessor at "
                + end
                + ": download the file again.");
      }
      end = entry.toByte();
    }
    if (end != dataBytes) {
      throw new CheckpointException(
          file
              + " holds "
              + dataBytes
              + " data bytes, its tensors need "
              + end
              + ": download the file again.");
    }
  }
}
