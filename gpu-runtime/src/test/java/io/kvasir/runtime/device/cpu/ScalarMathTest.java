package io.kvasir.runtime.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ScalarMathTest {
  @Test
  void shouldKeepExpWithinTwoUlp() {
    float worst = 0;
    for (int bits = 0; bits < 0x42b17218; bits += 997) {
      for (float x : new float[] {Float.intBitsToFloat(bits), -Float.intBitsToFloat(bits)}) {
        double exact = StrictMath.exp(x);
        if (exact < Float.MIN_NORMAL || exact > Float.MAX_VALUE) {
          continue;
        }
        float error = (float) Math.abs((ScalarMath.exp(x) - exact) / Math.ulp((float) exact));
        worst = Math.max(worst, error);
      }
    }
    assertTrue(worst <= 2, "worst error in ulp = " + worst);
  }

  @Test
  void shouldEndExpInZeroAndInfinity() {
    assertEquals(0f, ScalarMath.exp(-87.4f));
    assertEquals(0f, ScalarMath.exp(Float.NEGATIVE_INFINITY));
    assertEquals(Float.POSITIVE_INFINITY, ScalarMath.exp(88.8f));
    assertEquals(1f, ScalarMath.exp(0f));
    assertEquals(1f, ScalarMath.exp(-0f));
    assertTrue(Float.isNaN(ScalarMath.exp(Float.NaN)));
  }

  @Test
  void shouldWidenEveryFiniteHalfExactly() {
    for (int h = 0; h < 1 << 16; h++) {
      float exact = Float.float16ToFloat((short) h);
      if (Float.isFinite(exact)) {
        int widened = Float.floatToRawIntBits(Bits16.fromF16((short) h));
        assertEquals(Float.floatToRawIntBits(exact), widened, Integer.toHexString(h));
      }
    }
  }

  @Test
  void shouldRoundBf16ToNearestEven() {
    for (int h = 0; h < 1 << 16; h += 7) {
      float value = Bits16.fromBf16((short) h);
      if (!Float.isNaN(value)) {
        assertEquals((short) h, Bits16.toBf16(value));
      }
    }
    assertEquals((short) 0x3f80, Bits16.toBf16(Float.intBitsToFloat(0x3f808000)));
    assertEquals((short) 0x3f82, Bits16.toBf16(Float.intBitsToFloat(0x3f818000)));
    assertEquals((short) 0x3f81, Bits16.toBf16(Float.intBitsToFloat(0x3f808001)));
    assertTrue(Float.isNaN(Bits16.fromBf16(Bits16.toBf16(Float.intBitsToFloat(0x7f800001)))));
  }
}
