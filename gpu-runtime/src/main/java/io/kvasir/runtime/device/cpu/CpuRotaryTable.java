package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.DeviceException;
import io.kvasir.runtime.device.RotarySpec;
import io.kvasir.runtime.device.RotaryTable;
import java.util.Arrays;

/**
 * Cos and sin of one rotary spec, computed in chunks of positions when first asked for. A chunk is
 * [position][cos × pairs, sin × pairs]. Readers may be worker threads: chunks are published through
 * a volatile array and computed under the lock.
 */
final class CpuRotaryTable implements RotaryTable {
  private static final int CHUNK = 256;

  private final RotarySpec spec;
  private final int pairs;
  private final int[] axes;
  private volatile float[][] chunks = new float[16][];

  CpuRotaryTable(RotarySpec spec) {
    this.spec = spec;
    this.pairs = spec.pairs();
    this.axes = spec.axes();
  }

  static CpuRotaryTable of(RotaryTable table) {
    if (!(table instanceof CpuRotaryTable own)) {
      throw new DeviceException(
          "rotary table is not of the CPU device, make it with this device's rotary()");
    }
    return own;
  }

  @Override
  public RotarySpec spec() {
    return spec;
  }

  int pairs() {
    return pairs;
  }

  boolean interleaved() {
    return spec.interleaved();
  }

  int axisCount() {
    return axes == null ? 1 : spec.axisCount();
  }

  /**
   * Fills cos and sin of all pairs for a row whose axes stand at {@code positions[offset ..]}:
   * target[i] = cos, target[pairs + i] = sin.
   */
  void read(int[] positions, int offset, float[] target, int targetOffset) {
    if (axes == null) {
      readPlain(positions[offset], target, targetOffset);
      return;
    }
    for (int i = 0; i < pairs; i++) {
      int position = positions[offset + axes[i]];
      float[] chunk = chunk(position);
      int row = position % CHUNK * 2 * pairs;
      target[targetOffset + i] = chunk[row + i];
      target[targetOffset + pairs + i] = chunk[row + pairs + i];
    }
  }

  /** As {@link #read} where every axis stands at the same position. */
  void readPlain(int position, float[] target, int targetOffset) {
    System.arraycopy(
        chunk(position), position % CHUNK * 2 * pairs, target, targetOffset, 2 * pairs);
  }

  private float[] chunk(int position) {
    if (position < 0) {
      throw new DeviceException(
          "rotary position=" + position + " is negative, positions start at 0");
    }
    float[][] known = chunks;
    int index = position / CHUNK;
    float[] chunk = index < known.length ? known[index] : null;
    return chunk != null ? chunk : compute(index);
  }

  private synchronized float[] compute(int index) {
    float[][] known = chunks;
    if (index < known.length && known[index] != null) {
      return known[index];
    }
    float[][] grown = Arrays.copyOf(known, Math.max(known.length, index + 1));
    float[] chunk = new float[CHUNK * 2 * pairs];
    for (int p = 0; p < CHUNK; p++) {
      for (int i = 0; i < pairs; i++) {
        double angle = ((double) index * CHUNK + p) * spec.frequencies()[i];
        chunk[p * 2 * pairs + i] = (float) (StrictMath.cos(angle) * spec.scale());
        chunk[p * 2 * pairs + pairs + i] = (float) (StrictMath.sin(angle) * spec.scale());
      }
    }
    grown[index] = chunk;
    chunks = grown;
    return chunk;
  }
}
