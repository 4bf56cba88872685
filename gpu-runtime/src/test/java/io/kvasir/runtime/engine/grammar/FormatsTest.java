package io.kvasir.runtime.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FormatsTest {
  private static boolean isDateTime(String offset) {
    return ("2024-02-29T23:59:59" + offset).matches(Formats.REGEX.get("date-time"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Z", "+00:00", "+17:59", "-00:01", "-00:59", "-01:00", "-17:30", ".5Z"})
  void shouldTakeOffsets(String offset) {
    assertTrue(isDateTime(offset));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-00:00", "+18:00", "-18:00", "+0:00", "-00:60"})
  void shouldNotTakeWhatValidatorsRefuse(String offset) {
    assertFalse(isDateTime(offset));
  }
}
