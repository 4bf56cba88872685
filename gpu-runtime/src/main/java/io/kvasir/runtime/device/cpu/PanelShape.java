package io.kvasir.runtime.device.cpu;

/**
 * How packed columns lie in a panel. A panel is {@code columns} outputs wide; inside it the input
 * index ascends, so one step of all its fma chains reads {@code columns} neighbours.
 *
 * <p>Narrow formats are interleaved by lane: a 32-bit lane {@code j} of a group holds columns j, j
 * + lanes, …, lowest bits first. A kernel then widens with one shift or mask per vector instead of
 * a shuffle.
 *
 * @param lanes f32 lanes of the vectors that will read the panel
 * @param columns panel width, a multiple of {@code 2 × lanes}
 */
record PanelShape(int lanes, int columns) {
  /** What the scalar kernels use. */
  static final PanelShape SCALAR = new PanelShape(8, 16);

  /** Position of column {@code column} in a row of 16-bit values. */
  int position16(int column) {
    int group = column / (2 * lanes) * 2 * lanes;
    int inside = column - group;
    return group + 2 * (inside % lanes) + inside / lanes;
  }
}
