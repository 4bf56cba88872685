package io.kvasir.transport.shared;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.HexFormat;

/**
 * How a shared region lies in its file; everything in the machine's own order, which it never
 * leaves.
 *
 * <pre>
 *  0  magic "KVSR"           4  version          8  node           16  incarnation
 * 24  region                28  state           32  slotBytes      36  slotCount
 * 40  offset of the slots   48  length of the file
 * 64  a generation a slot, 4 bytes each; then, from a page's start, the slots
 * </pre>
 *
 * A file is read only while its state is {@link #SERVING}. The format has one version; a reader
 * that meets another leaves the file alone and asks the transport.
 */
final class SharedLayout {
  static final int MAGIC = 0x5253564B;
  static final int VERSION = 1;

  /** The file is being made. */
  static final int MAKING = 0;

  static final int SERVING = 1;

  /** The region has ended; its memory may hold anything. */
  static final int ENDED = 2;

  static final int HEADER_BYTES = 64;
  private static final int PAGE_BYTES = 4096;
  private static final int VERSION_AT = 4;
  private static final int NODE_AT = 8;
  private static final int INCARNATION_AT = 16;
  private static final int REGION_AT = 24;
  private static final int STATE_AT = 28;
  private static final int SLOT_BYTES_AT = 32;
  private static final int SLOT_COUNT_AT = 36;
  private static final int SLOTS_AT = 40;
  private static final int LENGTH_AT = 48;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final VarHandle STATE = INT.varHandle();

  private SharedLayout() {}

  /** Name of a node's folder in one of its lives. */
  static String folder(long nodeId, long incarnation) {
    HexFormat hex = HexFormat.of();
    return "blocks-" + hex.toHexDigits(nodeId) + "-" + hex.toHexDigits(incarnation);
  }

  static String file(int regionId) {
    return "region-" + regionId;
  }

  /** Where the slots begin. */
  static long slotsOffset(int slotCount) {
    long end = HEADER_BYTES + 4L * slotCount;
    return (end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
  }

  static long fileBytes(int slotBytes, int slotCount) {
    return slotsOffset(slotCount) + (long) slotBytes * slotCount;
  }

  static void write(
      MemorySegment header, long nodeId, long incarnation, int slotBytes, int slotCount) {
    header.set(INT, 0, MAGIC);
    header.set(INT, VERSION_AT, VERSION);
    header.set(LONG, NODE_AT, nodeId);
    header.set(LONG, INCARNATION_AT, incarnation);
    header.set(INT, SLOT_BYTES_AT, slotBytes);
    header.set(INT, SLOT_COUNT_AT, slotCount);
    header.set(LONG, SLOTS_AT, slotsOffset(slotCount));
    header.set(LONG, LENGTH_AT, fileBytes(slotBytes, slotCount));
  }

  static void region(MemorySegment header, int regionId) {
    header.set(INT, REGION_AT, regionId);
  }

  static void state(MemorySegment header, int state) {
    STATE.setVolatile(header, (long) STATE_AT, state);
  }

  static int state(MemorySegment header) {
    return (int) STATE.getVolatile(header, (long) STATE_AT);
  }

  static int slotBytes(MemorySegment header) {
    return header.get(INT, SLOT_BYTES_AT);
  }

  static int slotCount(MemorySegment header) {
    return header.get(INT, SLOT_COUNT_AT);
  }

  /**
   * What keeps a file from being read, or null.
   *
   * @param length of the file as it is
   */
  static String fault(
      MemorySegment header, long length, long nodeId, long incarnation, int regionId) {
    int slotBytes = header.get(INT, SLOT_BYTES_AT);
    int slotCount = header.get(INT, SLOT_COUNT_AT);
    if (header.get(INT, 0) != MAGIC || header.get(INT, VERSION_AT) != VERSION) {
      return "it is no shared region of version " + VERSION;
    }
    if (header.get(LONG, NODE_AT) != nodeId
        || header.get(LONG, INCARNATION_AT) != incarnation
        || header.get(INT, REGION_AT) != regionId) {
      return "it belongs to another node, life or region";
    }
    if (slotBytes < 1
        || slotCount < 1
        || header.get(LONG, SLOTS_AT) != slotsOffset(slotCount)
        || header.get(LONG, LENGTH_AT) != fileBytes(slotBytes, slotCount)
        || length != fileBytes(slotBytes, slotCount)) {
      return "its lengths do not fit together";
    }
    return null;
  }
}
