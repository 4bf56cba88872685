package io.kvasir.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Random bfloat16 weights of a given shape. Every value is a function of (tensor name, index)
 * alone, so tensors and rows come out equal in any order. Linear weights are near-normal with
 * deviation {@code 1 / sqrt(fan_in)}, norms near 1, biases near 0. Values live on the heap and die
 * with their view. Thread-safe.
 */
public final class DummyTensors implements TensorSource {
  /** 4096 quantiles: 8 KiB stay in the first-level cache, which decides the speed here. */
  private static final int TABLE_BITS = 12;

  private static final float[] NORMAL_QUANTILES = normalQuantiles();
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final long seed;
  private final String revision;

  public DummyTensors(ModelConfig config, long seed) {
    this.seed = seed;
    for (TensorSpec spec : ModelTensors.expected(config)) {
      shapes.put(spec.name(), spec.shape());
    }
    this.revision =
        new Digest().add("dummy-1").add(Long.toString(seed)).add(config.toString()).hex();
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(shapes.keySet());
  }

  @Override
  public TensorView describe(String name) {
    return new TensorView(name, DType.BF16, shape(name).clone(), MemorySegment.NULL);
  }

  @Override
  public TensorView tensor(String name) {
    long[] shape = shape(name);
    return make(name, shape.clone(), 0);
  }

  @Override
  public TensorView rows(String name, long fromRow, long toRow) {
    long[] shape = shape(name).clone();
    if (fromRow < 0 || fromRow > toRow || toRow > shape[0]) {
      throw new IndexOutOfBoundsException("rows [" + fromRow + ", " + toRow + ") of " + shape[0]);
    }
    long rowLength = TensorView.elementCount(shape) / shape[0];
    shape[0] = toRow - fromRow;
    return make(name, shape, fromRow * rowLength);
  }

  private long[] shape(String name) {
    long[] shape = shapes.get(name);
    if (shape == null) {
      throw new CheckpointException(
          "the dummy model has no tensor " + Problems.quote(name) + ": ask for one of names().");
    }
    return shape;
  }

  private TensorView make(String name, long[] shape, long from) {
    long count = TensorView.elementCount(shape);
    if (count > Integer.MAX_VALUE - 8) {
      throw new CheckpointException(
          "dummy tensor "
              + name
              + " has "
              + count
              + " elements, one view holds at most "
              + (Integer.MAX_VALUE - 8)
              + ": ask for fewer rows.");
    }
    short[] values = new short[(int) count];
    fill(values, from, new Digest().add(name).asLong() ^ (seed * GOLDEN), table(name, shape));
    return new TensorView(name, DType.BF16, shape, MemorySegment.ofArray(values));
  }

  private static short[] table(String name, long[] shape) {
    boolean norm = name.endsWith("norm.weight");
    double mean = norm ? 1 : 0;
    double deviation =
        norm ? 0.05 : name.endsWith(".bias") ? 0.1 : 1 / Math.sqrt(shape[shape.length - 1]);
    short[] table = new short[1 << TABLE_BITS];
    for (int i = 0; i < table.length; i++) {
      table[i] = BFloat16.fromFloat((float) (mean + deviation * NORMAL_QUANTILES[i]));
    }
    return table;
  }

  /** Element {@code i} takes 16 bits of the hash of {@code i / 4}: four values a hash. */
  private static void fill(short[] out, long from, long key, short[] table) {
    int shift = 16 - TABLE_BITS;
    int mask = table.length - 1;
    int i = 0;
    while (i < out.length && ((from + i) & 3) != 0) {
      out[i] = single(from + i, key, table);
      i++;
    }
    for (; i + 3 < out.length; i += 4) {
      long bits = mix(key + ((from + i) >>> 2) * GOLDEN);
      out[i] = table[(int) (bits >>> shift) & mask];
      out[i + 1] = table[(int) (bits >>> (16 + shift)) & mask];
      out[i + 2] = table[(int) (bits >>> (32 + shift)) & mask];
      out[i + 3] = table[(int) (bits >>> (48 + shift)) & mask];
    }
    for (; i < out.length; i++) {
      out[i] = single(from + i, key, table);
    }
  }

  private static short single(long index, long key, short[] table) {
    long bits = mix(key + (index >>> 2) * GOLDEN);
    int lane = (int) (index & 3) * 16 + 16 - TABLE_BITS;
    return table[(int) (bits >>> lane) & (table.length - 1)];
  }

  /** The finaliser of SplitMix64: every input bit reaches every output bit. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Quantiles of the standard normal at (i + 1/2) / n, by integrating its density. */
  private static float[] normalQuantiles() {
    int n = 1 << TABLE_BITS;
    float[] quantiles = new float[n];
    double step = 1e-4;
    double mass = 0;
    int filled = 0;
    for (double x = -6; filled < n && x < 6; x += step) {
      double middle = x + step / 2;
      // StrictMath: the weights must be the same bits on every machine.
      mass += StrictMath.exp(-middle * middle / 2) / StrictMath.sqrt(2 * Math.PI) * step;
      while (filled < n && mass >= (filled + 0.5) / n) {
        quantiles[filled++] = (float) (x + step);
      }
    }
    return quantiles;
  }

  @Override
  public String revision() {
    return revision;
  }

  @Override
  public void close() {
    // Nothing is held: each view owns its heap array.
  }
}
