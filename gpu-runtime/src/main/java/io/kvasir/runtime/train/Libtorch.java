package io.kvasir.runtime.train;

import org.bytedeco.openblas.global.openblas_full;
import org.bytedeco.pytorch.global.torch;

/** Process-wide settings of libtorch. */
final class Libtorch {
  private Libtorch() {}

  /**
   * Computes on the calling thread only and seeds the generator. libtorch's own setting does not
   * reach OpenBLAS, whose idle workers would spin on the cores of others.
   */
  static void useOneThread(long seed) {
    torch.set_num_threads(1);
    openblas_full.openblas_set_num_threads(1);
    torch.manual_seed(seed);
  }
}
