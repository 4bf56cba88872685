package io.kvasir.runtime.cache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Tagged extras of a block key: whatever besides tokens decided the block's content. Kept in
 * ascending order of tag; equal tags keep the order in which they were added. A reader that does
 * not know a tag hashes its bytes all the same. Immutable.
 */
public final class KeyExtras {
  /** Hash of an image or other medium whose embeddings stand in the block. */
  public static final int MEDIA = 1;

  /** Logical indices that differ from the entry's ordinal, i32 each. */
  public static final int INDICES = 2;

  /** Rotary positions that differ from the index, [entry][axis] i32. */
  public static final int POSITIONS = 3;

  /** Log-weights of merged tokens, f32 each. */
  public static final int LOG_WEIGHTS = 4;

  /** Digest of a lossy policy: method, parameters and inputs. */
  public static final int POLICY = 5;

  /** Form in which the block was produced where two forms round differently. */
  public static final int PRODUCER = 6;

  public static final KeyExtras NONE = new KeyExtras(List.of());

  record Field(int tag, byte[] value) {}

  private final List<Field> fields;

  private KeyExtras(List<Field> fields) {
    this.fields = fields;
  }

  /** These extras and one more. */
  public KeyExtras with(int tag, byte[] value) {
    if (tag < 1 || tag > 0xFFFF) {
      throw new IllegalArgumentException("key extra tag=" + tag + " is outside 1..65535");
    }
    if (fields.size() >= 0xFFFF) {
      throw new IllegalArgumentException("a block key takes at most 65535 extras");
    }
    List<Field> grown = new ArrayList<>(fields);
    int at = grown.size();
    while (at > 0 && grown.get(at - 1).tag() > tag) {
      at--;
    }
    grown.add(at, new Field(tag, value.clone()));
    return new KeyExtras(List.copyOf(grown));
  }

  /** These extras and little-endian integers under {@code tag}. */
  public KeyExtras withInts(int tag, int[] values, int from, int to) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * (to - from)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = from; i < to; i++) {
      bytes.putInt(values[i]);
    }
    return with(tag, bytes.array());
  }

  /** These extras and little-endian floats under {@code tag}. */
  public KeyExtras withFloats(int tag, float[] values, int from, int to) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * (to - from)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = from; i < to; i++) {
      bytes.putFloat(values[i]);
    }
    return with(tag, bytes.array());
  }

  public boolean has(int tag) {
    // By index: sealing a block must not allocate an iterator.
    for (int i = 0; i < fields.size(); i++) {
      if (fields.get(i).tag() == tag) {
        return true;
      }
    }
    return false;
  }

  public boolean isEmpty() {
    return fields.isEmpty();
  }

  List<Field> fields() {
    return fields;
  }
}
