package io.kvasir.runtime.model;

import io.kvasir.runtime.checkpoint.CheckpointWriter;
import io.kvasir.runtime.checkpoint.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/**
 * A hook that writes what it sees to files, for calibration and training.
 *
 * <pre>
 * folder/part-00000/model.safetensors, part-00001/ …   each at most the part limit (one call more)
 *   POINT.LAYER        F32 [rows, width]   values at a hook point, such as BEFORE_LAYER.3
 *   POINT.LAYER.rows   F32 [rows, 2]       sequence number, logical index of each row
 * </pre>
 *
 * Sequences are numbered by {@link #number} in the order in which they are first seen. Rows stand
 * in the order of the calls.
 *
 * <p>Thread rule: the engine's thread. Ownership: close it, or the last part is not written.
 * Failure: {@link UncheckedIOException} when a part cannot be written.
 */
public final class HiddenCapture implements LayerHook, AutoCloseable {
  public static final long DEFAULT_PART_BYTES = 64L << 20;

  /** Whole numbers up to here are exact in f32. */
  private static final int MAX_SEQUENCES = 1 << 24;

  private final Path folder;
  private final Set<HookPoint> points;
  private final IntPredicate layers;
  private final long maxPartBytes;
  private final Map<String, Column> columns = new TreeMap<>();
  private final Map<Long, Integer> numbers = new LinkedHashMap<>();
  private long bytes;
  private int parts;

  /** Rows of one point and layer, not yet written. */
  private static final class Column {
    private final int width;
    private float[] values = new float[1024];
    private float[] rows = new float[64];
    private int count;

    Column(int width) {
      this.width = width;
    }

    void add(float[] source, float[] places, int added) {
      int end = Math.multiplyExact(count + added, width);
      if (values.length < end) {
        values = Arrays.copyOf(values, Math.max(end, (int) Math.min(2L * end, 1 << 30)));
      }
      if (rows.length < 2 * (count + added)) {
        rows = Arrays.copyOf(rows, 4 * (count + added));
      }
      System.arraycopy(source, 0, values, count * width, added * width);
      System.arraycopy(places, 0, rows, 2 * count, 2 * added);
      count += added;
    }
  }

  /** Captures the given points of the layers that {@code layers} accepts. */
  public HiddenCapture(Path folder, Set<HookPoint> points, IntPredicate layers) {
    this(folder, points, layers, DEFAULT_PART_BYTES);
  }

  /**
   * @param maxPartBytes what is held in memory before a part is written
   */
  public HiddenCapture(Path folder, Set<HookPoint> points, IntPredicate layers, long maxPartBytes) {
    if (points.contains(HookPoint.KV_WRITTEN)) {
      throw new IllegalArgumentException(
          "hook point KV_WRITTEN has no values, capture KEY and VALUE instead");
    }
    this.folder = folder;
    this.points = Set.copyOf(EnumSet.copyOf(points));
    this.layers = layers;
    this.maxPartBytes = maxPartBytes;
  }

  @Override
  public Set<HookPoint> points() {
    return points;
  }

  @Override
  public void at(HookPoint point, WorkItem item, int layer, View view) {
    int count = view.ordinals().length;
    if (count == 0 || !layers.test(layer)) {
      return;
    }
    float[] places = new float[2 * count];
    int number = numberOf(item);
    for (int i = 0; i < count; i++) {
      places[2 * i] = number;
      places[2 * i + 1] = item.index(view.ordinals()[i]);
    }
    columns
        .computeIfAbsent(point + "." + layer, name -> new Column(view.width()))
        .add(view.download(), places, count);
    bytes += 4L * count * (view.width() + 2);
    if (bytes >= maxPartBytes) {
      writePart();
    }
  }

  private int numberOf(WorkItem item) {
    int next = numbers.size();
    Integer known = numbers.putIfAbsent(item.cache().ownerId(), next);
    if (known == null && next >= MAX_SEQUENCES) {
      throw new IllegalStateException(
          "captured sequences reached " + MAX_SEQUENCES + ", start another capture");
    }
    return known == null ? next : known;
  }

  /** The number of the sequence with this owner in the files, or −1 if none of it was seen. */
  public int number(long ownerId) {
    return numbers.getOrDefault(ownerId, -1);
  }

  /** Parts written so far. */
  public int partCount() {
    return parts;
  }

  private void writePart() {
    try {
      CheckpointWriter writer = new CheckpointWriter(folder.resolve("part-%05d".formatted(parts)));
      for (Map.Entry<String, Column> e : columns.entrySet()) {
        Column c = e.getValue();
        float[] values = Arrays.copyOf(c.values, c.count * c.width);
        writer.tensor(e.getKey(), DType.F32, values, c.count, c.width);
        float[] rows = Arrays.copyOf(c.rows, 2 * c.count);
        writer.tensor(e.getKey() + ".rows", DType.F32, rows, c.count, 2);
      }
      writer.finish();
    } catch (IOException e) {
      throw new UncheckedIOException("captured values cannot be written to " + folder, e);
    }
    parts++;
    columns.clear();
    bytes = 0;
  }

  /** Writes what is held in memory as a part. */
  public void flush() {
    if (bytes > 0) {
      writePart();
    }
  }

  @Override
  public void close() {
    flush();
  }
}
