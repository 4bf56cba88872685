package io.kvasir.runtime.device.cpu;

/** Kernels that treat each row alone, cut along rows (SwiGLU also inside a row). */
final class RowTasks implements WorkerTeam.Task {
  private enum Kind {
    NORM,
    SWIGLU,
    ROTATE
  }

  /** Values per chunk; less work than two chunks stays on the caller. */
  private static final int CHUNK = 4096;

  private final WorkerTeam team;
  private final Scratch[] scratch;
  private Kind kind;
  private float[] x;
  private int offset;
  private int stride;
  private int heads;
  private int width;
  private float[] weight;
  private float eps;
  private float[] out;
  private CpuRotaryTable rotary;
  private int[] positions;

  RowTasks(WorkerTeam team, Scratch[] scratch) {
    this.team = team;
    this.scratch = scratch;
  }

  void norm(
      float[] x,
      int offset,
      int stride,
      int rows,
      int heads,
      int width,
      float[] weight,
      float eps,
      float[] out) {
    this.weight = weight;
    this.eps = eps;
    this.out = out;
    start(Kind.NORM, x, offset, stride, rows, heads, width);
  }

  void swiglu(float[] gateUp, int rows, int width, float[] out) {
    this.out = out;
    start(Kind.SWIGLU, gateUp, 0, 2 * width, rows, 1, width);
  }

  void rotate(
      CpuRotaryTable rotary,
      int[] positions,
      float[] x,
      int offset,
      int stride,
      int rows,
      int heads,
      int width) {
    this.rotary = rotary;
    this.positions = positions;
    start(Kind.ROTATE, x, offset, stride, rows, heads, width);
  }

  private void start(Kind kind, float[] x, int offset, int stride, int rows, int heads, int width) {
    this.kind = kind;
    this.x = x;
    this.offset = offset;
    this.stride = stride;
    this.heads = heads;
    this.width = width;
    int perRow = Math.max(1, heads * width);
    team.run(this, rows, Math.max(1, CHUNK / perRow));
    this.x = null;
    this.out = null;
    this.positions = null;
  }

  @Override
  public void run(int worker, int from, int to) {
    Scratch own = scratch[worker];
    for (int row = from; row < to; row++) {
      int at = offset + row * stride;
      switch (kind) {
        case NORM -> {
          for (int h = 0; h < heads; h++, at += width) {
            VectorMath.normalise(x, at, weight, eps, width, out, at, own.eight);
          }
        }
        case SWIGLU -> VectorMath.swiglu(x, at, at + width, out, row * width, width);
        case ROTATE -> {
          own.turns = Scratch.grown(own.turns, 2L * rotary.pairs());
          rotary.read(positions, row * rotary.axisCount(), own.turns, 0);
          for (int h = 0; h < heads; h++, at += width) {
            VectorMath.rotate(x, at, own.turns, rotary.pairs(), rotary.interleaved());
          }
        }
      }
    }
  }
}
