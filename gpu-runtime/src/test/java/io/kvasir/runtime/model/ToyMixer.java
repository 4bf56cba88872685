package io.kvasir.runtime.model;

import io.kvasir.runtime.cache.StateSpec;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import java.util.Arrays;

/**
 * A mixer with a state beside the pages: h += cell(state, norm(h)), row by row. The cell runs on
 * the host, so that proofs see nothing but the seam. Rows that write advance the state; a row that
 * only queries reads it.
 */
final class ToyMixer implements Mixer {
  /** One row: reads and advances {@code state}, writes {@code out}. */
  @FunctionalInterface
  interface Cell {
    void step(float[] state, float[] x, float[] out);
  }

  private final StateSpec spec;
  private final Cell cell;
  private final DeviceFloats norm;
  private final DeviceFloats added;
  private final int width;

  ToyMixer(Device device, StateSpec spec, Cell cell, int width, int maxRows) {
    this.spec = spec;
    this.cell = cell;
    this.width = width;
    norm = device.floats(width);
    float[] ones = new float[width];
    Arrays.fill(ones, 1f);
    device.upload(ones, 0, norm, 0, width);
    added = device.floats((long) maxRows * width);
  }

  /** Causal convolution over this row and the two before it; the state holds those two. */
  static Cell convolution(int width) {
    return (state, x, out) -> {
      for (int i = 0; i < width; i++) {
        float sum = Math.fma(0.25f + i * 0.01f, state[i], 0f);
        sum = Math.fma(-0.5f, state[width + i], sum);
        out[i] = Math.fma(0.75f, x[i], sum);
        state[i] = state[width + i];
        state[width + i] = x[i];
      }
    };
  }

  /** s = gate(x) × s + (1 − gate(x)) × x, gate(x) = x² / (1 + x²). */
  static Cell gatedDecay(int width) {
    return (state, x, out) -> {
      for (int i = 0; i < width; i++) {
        float square = x[i] * x[i];
        float gate = square / (1f + square);
        state[i] = Math.fma(gate, state[i], (1f - gate) * x[i]);
        out[i] = state[i];
      }
    };
  }

  @Override
  public void mix(StepContext c, int layer) {
    c.device().kernels().rmsNorm(c.hidden(), norm, 1e-5f, c.batchRows(), width, c.normed());
    float[] x = new float[c.batchRows() * width];
    c.device().download(c.normed(), 0, x, 0, x.length);
    float[] out = new float[c.queryRows().count() * width];
    int query = 0;
    int write = 0;
    for (int i = 0; i < c.itemCount(); i++) {
      WorkItem item = c.item(i);
      int end = c.firstRow(i) + item.liveRows();
      boolean writes = write < c.writeRows().count() && c.writeRows().row(write) < end;
      DeviceFloats held = writes ? item.cache().beforeStateWrite(spec) : item.cache().state(spec);
      float[] state = new float[spec.floats()];
      c.device().download(held, 0, state, 0, state.length);
      c.device().await();
      for (int row = c.firstRow(i); row < end; row++) {
        boolean advances = write < c.writeRows().count() && c.writeRows().row(write) == row;
        boolean queries = query < c.queryRows().count() && c.queryRows().row(query) == row;
        float[] y = new float[width];
        cell.step(
            advances ? state : state.clone(),
            Arrays.copyOfRange(x, row * width, (row + 1) * width),
            y);
        if (queries) {
          System.arraycopy(y, 0, out, query++ * width, width);
        }
        write += advances ? 1 : 0;
      }
      if (writes) {
        c.device().upload(state, 0, held, 0, state.length);
      }
    }
    int[] rows = new int[query];
    Arrays.setAll(rows, c.queryRows()::row);
    c.device().upload(out, 0, added, 0, out.length);
    c.device().kernels().addRows(added, rows, null, query, width, c.hidden());
  }

  @Override
  public long weightBytes() {
    return 4L * width;
  }
}
