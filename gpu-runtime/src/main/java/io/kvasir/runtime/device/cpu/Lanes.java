package io.kvasir.runtime.device.cpu;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector width of this JVM, fixed when the class loads: constants, so that kernels compile to
 * plain instructions. The machine's preferred width, or {@code -Dkvasir.cpu.vectorBits} (128, 256
 * or 512). No result depends on it.
 */
final class Lanes {
  static final String WIDTH_PROPERTY = "kvasir.cpu.vectorBits";

  static final int BITS = bits();
  static final VectorShape SHAPE = VectorShape.forBitSize(BITS);
  static final VectorSpecies<Float> F = VectorSpecies.of(float.class, SHAPE);
  static final VectorSpecies<Integer> I = VectorSpecies.of(int.class, SHAPE);

  /** As many bits as {@link #F}: two 16-bit values per lane. */
  static final VectorSpecies<Short> S_FULL = VectorSpecies.of(short.class, SHAPE);

  /** As many values as {@link #F}. */
  static final VectorSpecies<Short> S =
      BITS == 128 ? ShortVector.SPECIES_64 : VectorSpecies.of(short.class, half());

  /** As many values as {@link #F}; at 128 bits there is no such vector and nobody uses it. */
  static final VectorSpecies<Byte> B = BITS == 512 ? ByteVector.SPECIES_128 : ByteVector.SPECIES_64;

  /** f32 lanes. */
  static final int COUNT = F.length();

  /** Panel width: two vectors. */
  static final int PANEL = 2 * COUNT;

  /** Whether there are 32 vector registers, which allows taller tiles. */
  static final boolean TALL = BITS == 512;

  /** Eight lanes: the partial sums of a reduction; two vectors of four at 128 bits. */
  static final VectorSpecies<Float> F8 =
      BITS == 128 ? FloatVector.SPECIES_128 : FloatVector.SPECIES_256;

  static final boolean ONE_VECTOR_OF_8 = BITS != 128;

  private Lanes() {}

  private static VectorShape half() {
    return VectorShape.forBitSize(BITS / 2);
  }

  private static int bits() {
    int preferred = Math.min(512, IntVector.SPECIES_PREFERRED.vectorBitSize());
    int asked = Integer.getInteger(WIDTH_PROPERTY, preferred);
    if ((asked != 128 && asked != 256 && asked != 512) || asked > preferred) {
      throw new UnsupportedOperationException(
          "vector width "
              + asked
              + " bits is not served by this machine (preferred "
              + preferred
              + "), set -D"
              + WIDTH_PROPERTY
              + " to 128, 256 or 512 within it");
    }
    return asked;
  }
}
