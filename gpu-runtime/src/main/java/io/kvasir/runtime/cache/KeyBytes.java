package io.kvasir.runtime.cache;

import java.util.Arrays;

/** A growing little-endian byte buffer; reset and reused for every key. */
final class KeyBytes {
  private byte[] bytes;
  private int length;

  KeyBytes(int capacity) {
    bytes = new byte[capacity];
  }

  void reset() {
    length = 0;
  }

  int length() {
    return length;
  }

  byte[] array() {
    return bytes;
  }

  byte[] toArray() {
    return Arrays.copyOf(bytes, length);
  }

  void putByte(int value) {
    ensure(1);
    bytes[length++] = (byte) value;
  }

  void putShort(int value) {
    ensure(2);
    bytes[length++] = (byte) value;
    bytes[length++] = (byte) (value >>> 8);
  }

  void putInt(int value) {
    ensure(4);
    bytes[length++] = (byte) value;
    bytes[length++] = (byte) (value >>> 8);
    bytes[length++] = (byte) (value >>> 16);
    bytes[length++] = (byte) (value >>> 24);
  }

  /** Big endian, as a digest's bytes lie in a {@link BlockKey}. */
  void putKeyHalf(long value) {
    ensure(8);
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes[length++] = (byte) (value >>> shift);
    }
  }

  void putBytes(byte[] value) {
    ensure(value.length);
    System.arraycopy(value, 0, bytes, length, value.length);
    length += value.length;
  }

  void putField(int tag, byte[] value) {
    putShort(tag);
    putInt(value.length);
    putBytes(value);
  }

  private void ensure(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(length + more, 2 * bytes.length));
    }
  }
}
