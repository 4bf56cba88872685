package io.kvasir.runtime.engine.grammar;

import java.util.Map;
import java.util.TreeMap;

/**
 * The string formats that are made exactly, as whole regular expressions: every text made is one of
 * the format. Left out of what RFC 3339 allows: leap seconds, lower-case {@code t} and {@code z},
 * more than nine digits of a second, and offsets of 18 hours and more, which no place has and many
 * readers refuse.
 */
final class Formats {
  private static final String LEAP_YEAR =
      "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
  private static final String DATE =
      "(\\d{4}-(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])"
          + "|\\d{4}-(0[469]|11)-(0[1-9]|[12]\\d|30)"
          + "|\\d{4}-02-(0[1-9]|1\\d|2[0-8])"
          + "|"
          + LEAP_YEAR
          + "-02-29)";

  /**
   * Without -00:00, which ISO 8601 forbids and validators refuse though RFC 3339 has a use for it.
   */
  private static final String OFFSET =
      "(Z|\\+(0\\d|1[0-7]):[0-5]\\d|-((0[1-9]|1[0-7]):[0-5]\\d|00:(0[1-9]|[1-5]\\d)))";

  private static final String TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?" + OFFSET;
  private static final String OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";

  static final Map<String, String> REGEX =
      new TreeMap<>(
          Map.of(
              "date",
              DATE,
              "time",
              TIME,
              "date-time",
              DATE + "T" + TIME,
              "uuid",
              "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
              "ipv4",
              OCTET + "(\\." + OCTET + "){3}"));

  private Formats() {}
}
