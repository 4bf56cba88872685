package io.kvasir.transport;

import java.util.HexFormat;

/**
 * The 128-bit key of a block: a hash over domain, parent, tokens and extras, made by the caller.
 * Transport compares keys and never interprets them.
 *
 * @param high first 8 bytes, big endian
 * @param low last 8 bytes, big endian
 */
public record BlockKey(long high, long low) {
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(high) + hex.toHexDigits(low);
  }
}
