package io.kvasir.runtime.device.cpu;

import io.kvasir.runtime.device.KvView;
import jdk.incubator.vector.FloatVector;

/** Rotates a panel of raw keys, [channel][entry], each entry by its own position. */
final class KeyTurner {
  private static final int L = Lanes.COUNT;
  private static final int PANEL = Lanes.PANEL;

  private float[] turns = new float[0];

  /** [2 × pairs][entry]: cos of all pairs, then sin. */
  private float[] across = new float[0];

  /** Turns the entries [entry, end) that stand in columns 0, 1, … of {@code panel}. */
  void turn(CpuRotaryTable rotary, KvView view, int kvHead, int entry, int end, float[] panel) {
    int pairs = rotary.pairs();
    turns = Scratch.grown(turns, 2L * pairs);
    across = Scratch.grown(across, 2L * pairs * PANEL);
    for (int e = entry; e < end; e++) {
      if (view.positions == null) {
        rotary.readPlain(Visibility.index(view, kvHead, e), turns, 0);
      } else {
        rotary.read(view.positions[kvHead], e * rotary.axisCount(), turns, 0);
      }
      for (int i = 0; i < 2 * pairs; i++) {
        across[i * PANEL + e - entry] = turns[i];
      }
    }
    for (int i = 0; i < pairs; i++) {
      int first = rotary.interleaved() ? 2 * i : i;
      int second = rotary.interleaved() ? first + 1 : first + pairs;
      turnPair(panel, first * PANEL, second * PANEL, i * PANEL, (pairs + i) * PANEL);
      turnPair(
          panel, first * PANEL + L, second * PANEL + L, i * PANEL + L, (pairs + i) * PANEL + L);
    }
  }

  private void turnPair(float[] panel, int first, int second, int cosAt, int sinAt) {
    FloatVector a = FloatVector.fromArray(Lanes.F, panel, first);
    FloatVector b = FloatVector.fromArray(Lanes.F, panel, second);
    FloatVector cos = FloatVector.fromArray(Lanes.F, across, cosAt);
    FloatVector sin = FloatVector.fromArray(Lanes.F, across, sinAt);
    a.fma(cos, b.mul(sin).neg()).intoArray(panel, first);
    b.fma(cos, a.mul(sin)).intoArray(panel, second);
  }
}
