package io.kvasir.runtime.engine;

import java.util.Arrays;

/**
 * The embedding of one input in the making. Rows come in the order of their positions, however a
 * prompt is cut into chunks, and are added one after another in f64; so the vector's bits depend on
 * the input alone (law 1). Written by the engine thread, read once the stream has ended.
 */
public final class PooledState {
  private final Pooling pooling;
  private double[] sum;
  private int rows;

  PooledState(Pooling pooling) {
    this.pooling = pooling;
  }

  Pooling pooling() {
    return pooling;
  }

  /**
   * Engine thread: the next row. Position 0 starts anew, because a preempted request computes its
   * prompt again.
   */
  void add(int position, float[] states, int offset, int width) {
    if (sum == null) {
      sum = new double[width];
    }
    if (rows == 0 || position == 0 || pooling == Pooling.LAST) {
      Arrays.fill(sum, 0);
      rows = 0;
    }
    for (int i = 0; i < width; i++) {
      sum[i] += states[offset + i];
    }
    rows++;
  }

  /**
   * The pooled vector scaled to length 1, [hiddenSize]; zeros where all states are zero. Valid once
   * the stream ended with {@link FinishReason#STOP}.
   */
  public float[] vector() {
    float[] vector = new float[sum.length];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (sum[i] / rows);
    }
    normalise(vector);
    return vector;
  }

  /** Scales a vector to length 1: f64 squares, added in ascending order. */
  public static void normalise(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    double length = Math.sqrt(squares);
    for (int i = 0; length > 0 && i < vector.length; i++) {
      vector[i] = (float) (vector[i] / length);
    }
  }
}
