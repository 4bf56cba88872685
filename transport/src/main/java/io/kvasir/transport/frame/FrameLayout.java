package io.kvasir.transport.frame;

import io.kvasir.transport.wire.AckDecoder;
import io.kvasir.transport.wire.BlockDataDecoder;
import io.kvasir.transport.wire.CloseDecoder;
import io.kvasir.transport.wire.GoodbyeDecoder;
import io.kvasir.transport.wire.GrantDecoder;
import io.kvasir.transport.wire.HelloDecoder;
import io.kvasir.transport.wire.HelloReplyDecoder;
import io.kvasir.transport.wire.MessageHeaderDecoder;
import io.kvasir.transport.wire.OfferDecoder;
import io.kvasir.transport.wire.ProbeDecoder;
import io.kvasir.transport.wire.PullDecoder;
import io.kvasir.transport.wire.VectorDataDecoder;
import io.kvasir.transport.wire.VectorRequestDecoder;
import java.nio.ByteOrder;
import org.agrona.DirectBuffer;

/**
 * Lengths and offsets of frames (see {@code kvasir-transport.xml}):
 *
 * <pre>
 * offset bytes field
 *      0     8 SBE header: blockLength, templateId, schemaId, version (4 × uint16)
 *      8     4 frameBytes: whole frame
 *     12     4 checksum
 *     16     8 fromIncarnation
 *     24     8 toIncarnation
 *     32     8 counter      (0 when not encrypted)
 *     40     4 publication
 *     44     2 keyId        (0 when not encrypted)
 *     46     2 reserved
 *     48       message block, then groups and data, or payload, then the tag when encrypted
 * </pre>
 *
 * Little endian. The head (header, and the block of payload frames) stays readable and is the
 * associated data of an encrypted frame.
 */
public final class FrameLayout {
  /** Header in front of every frame. */
  public static final int HEADER_BYTES = MessageHeaderDecoder.ENCODED_LENGTH;

  /** Header and block of a BlockData frame; its payload follows. */
  public static final int BLOCK_DATA_HEAD_BYTES = HEADER_BYTES + BlockDataDecoder.BLOCK_LENGTH;

  /** Header and block of a VectorData frame; its payload follows. */
  public static final int VECTOR_HEAD_BYTES = HEADER_BYTES + VectorDataDecoder.BLOCK_LENGTH;

  /** AES-GCM tag behind an encrypted frame. */
  public static final int TAG_BYTES = 16;

  /** Longest frame: Aeron's largest payload without fragmentation. */
  public static final int MAX_FRAME_BYTES = 65_504 - 32;

  /** Shortest frame limit the protocol works with: a Hello with the longest fingerprint. */
  public static final int MIN_FRAME_LIMIT_BYTES = 1_024;

  /** Offset of frameBytes. */
  public static final int FRAME_BYTES_OFFSET = 8;

  /** Offset of checksum. */
  public static final int CHECKSUM_OFFSET = 12;

  /** Offset of fromIncarnation. */
  public static final int FROM_INCARNATION_OFFSET = 16;

  /** Offset of toIncarnation. */
  public static final int TO_INCARNATION_OFFSET = 24;

  /** Offset of counter. */
  public static final int COUNTER_OFFSET = 32;

  /** Offset of publication. */
  public static final int PUBLICATION_OFFSET = 40;

  /** Offset of keyId. */
  public static final int KEY_ID_OFFSET = 44;

  /** Oldest schema version that is read. */
  public static final int OLDEST_VERSION = MessageHeaderDecoder.SCHEMA_VERSION - 1;

  private static final int HELLO_BLOCK_BYTES_VERSION_0 = 32;
  private static final int GROUP_HEADER_BYTES = 4;
  private static final int DATA_HEADER_BYTES = 2;

  private FrameLayout() {}

  /** Shortest block of a template in a version, or -1 for an unknown template. */
  static int minBlockBytes(int templateId, int version) {
    return switch (templateId) {
      case HelloDecoder.TEMPLATE_ID ->
          version == 0 ? HELLO_BLOCK_BYTES_VERSION_0 : HelloDecoder.BLOCK_LENGTH;
      case HelloReplyDecoder.TEMPLATE_ID -> HelloReplyDecoder.BLOCK_LENGTH;
      case PullDecoder.TEMPLATE_ID -> PullDecoder.BLOCK_LENGTH;
      case OfferDecoder.TEMPLATE_ID -> OfferDecoder.BLOCK_LENGTH;
      case GrantDecoder.TEMPLATE_ID -> GrantDecoder.BLOCK_LENGTH;
      case AckDecoder.TEMPLATE_ID -> AckDecoder.BLOCK_LENGTH;
      case ProbeDecoder.TEMPLATE_ID -> ProbeDecoder.BLOCK_LENGTH;
      case CloseDecoder.TEMPLATE_ID -> CloseDecoder.BLOCK_LENGTH;
      case BlockDataDecoder.TEMPLATE_ID -> BlockDataDecoder.BLOCK_LENGTH;
      case VectorDataDecoder.TEMPLATE_ID -> VectorDataDecoder.BLOCK_LENGTH;
      case VectorRequestDecoder.TEMPLATE_ID -> VectorRequestDecoder.BLOCK_LENGTH;
      case GoodbyeDecoder.TEMPLATE_ID -> GoodbyeDecoder.BLOCK_LENGTH;
      default -> -1;
    };
  }

  /** Whether payload, not SBE, follows the block. */
  static boolean carriesPayload(int templateId) {
    return templateId == BlockDataDecoder.TEMPLATE_ID
        || templateId == VectorDataDecoder.TEMPLATE_ID;
  }

  /** Shortest group entry of a template, or 0 if it has no group. */
  private static int groupEntryBytes(int templateId) {
    return switch (templateId) {
      case PullDecoder.TEMPLATE_ID -> PullDecoder.BlocksDecoder.sbeBlockLength();
      case OfferDecoder.TEMPLATE_ID -> OfferDecoder.BlocksDecoder.sbeBlockLength();
      default -> 0;
    };
  }

  private static boolean carriesData(int templateId) {
    return templateId == HelloDecoder.TEMPLATE_ID
        || templateId == HelloReplyDecoder.TEMPLATE_ID
        || templateId == GrantDecoder.TEMPLATE_ID
        || templateId == AckDecoder.TEMPLATE_ID;
  }

  /** Whether what follows the block lies within the frame. */
  static boolean tailFits(int templateId, DirectBuffer frame, int tailOffset, int limit) {
    int entryBytes = groupEntryBytes(templateId);
    if (entryBytes > 0) {
      if (limit - tailOffset < GROUP_HEADER_BYTES) {
        return false;
      }
      int actingBytes = frame.getShort(tailOffset, ByteOrder.LITTLE_ENDIAN) & 0xFFFF;
      int count = frame.getShort(tailOffset + 2, ByteOrder.LITTLE_ENDIAN) & 0xFFFF;
      return actingBytes >= entryBytes
          && (long) count * actingBytes <= limit - tailOffset - GROUP_HEADER_BYTES;
    }
    if (carriesData(templateId)) {
      if (limit - tailOffset < DATA_HEADER_BYTES) {
        return false;
      }
      int length = frame.getShort(tailOffset, ByteOrder.LITTLE_ENDIAN) & 0xFFFF;
      return length <= limit - tailOffset - DATA_HEADER_BYTES;
    }
    return true;
  }
}
