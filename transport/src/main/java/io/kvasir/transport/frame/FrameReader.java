package io.kvasir.transport.frame;

import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.wire.BlockDataDecoder;
import io.kvasir.transport.wire.MessageHeaderDecoder;
import io.kvasir.transport.wire.VectorDataDecoder;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Proves and opens frames of one lane of one peer. Whatever the bytes are, {@link #open} neither
 * throws nor reads outside the frame; when it returns null, decoders may read {@link #message()}
 * without further checks. Owned by the agent; allocates nothing without a cipher.
 */
public final class FrameReader {
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

  private final FrameCipher cipher;
  private final long ownIncarnation;
  private final long peerIncarnation;
  private final byte[] array = new byte[FrameLayout.MAX_FRAME_BYTES];
  private final UnsafeBuffer message = new UnsafeBuffer(array);
  private final byte[] sealed;
  private final byte[] opened;
  private final UnsafeBuffer openedPayload;
  private final CRC32C crc = new CRC32C();
  private DirectBuffer payload;
  private int payloadOffset;
  private int payloadBytes;
  private int templateId;
  private int version;
  private int blockBytes;
  private int lastPublication = Integer.MIN_VALUE;
  private long lastCounter;

  /**
   * @param cipher opens every frame, or null for a lane that is not encrypted
   */
  public FrameReader(long ownIncarnation, long peerIncarnation, FrameCipher cipher) {
    this.ownIncarnation = ownIncarnation;
    this.peerIncarnation = peerIncarnation;
    this.cipher = cipher;
    this.sealed = new byte[cipher == null ? 0 : FrameLayout.MAX_FRAME_BYTES];
    this.opened = new byte[cipher == null ? 0 : FrameLayout.MAX_FRAME_BYTES];
    this.openedPayload = new UnsafeBuffer(opened);
  }

  /**
   * Takes one frame.
   *
   * @return null if it is proven, else the counter of the reason for refusing it
   */
  public TransportCounter open(DirectBuffer buffer, int offset, int lengthBytes) {
    if (lengthBytes < FrameLayout.HEADER_BYTES || lengthBytes > FrameLayout.MAX_FRAME_BYTES) {
      return TransportCounter.FRAMES_TRUNCATED;
    }
    buffer.getBytes(offset, array, 0, FrameLayout.HEADER_BYTES);
    blockBytes = message.getShort(0, LE) & 0xFFFF;
    templateId = message.getShort(2, LE) & 0xFFFF;
    version = message.getShort(6, LE) & 0xFFFF;
    if ((message.getShort(4, LE) & 0xFFFF) != MessageHeaderDecoder.SCHEMA_ID
        || version < FrameLayout.OLDEST_VERSION) {
      return TransportCounter.FRAMES_FOREIGN;
    }
    int minBlockBytes = FrameLayout.minBlockBytes(templateId, version);
    if (minBlockBytes < 0 || blockBytes < minBlockBytes) {
      return TransportCounter.FRAMES_FOREIGN;
    }
    int overhead = cipher == null ? 0 : FrameLayout.TAG_BYTES;
    int contentLimit = lengthBytes - overhead;
    int blockLimit = FrameLayout.HEADER_BYTES + blockBytes;
    if (message.getInt(FrameLayout.FRAME_BYTES_OFFSET, LE) != lengthBytes
        || blockLimit > contentLimit) {
      return TransportCounter.FRAMES_TRUNCATED;
    }
    if (message.getLong(FrameLayout.FROM_INCARNATION_OFFSET, LE) != peerIncarnation
        || message.getLong(FrameLayout.TO_INCARNATION_OFFSET, LE) != ownIncarnation) {
      return TransportCounter.FRAMES_WRONG_INCARNATION;
    }
    TransportCounter refusal =
        cipher == null
            ? openPlain(buffer, offset, lengthBytes, blockLimit)
            : openSealed(buffer, offset, lengthBytes, blockLimit);
    return refusal != null ? refusal : checkContent(blockLimit, contentLimit);
  }

  private TransportCounter openPlain(
      DirectBuffer buffer, int offset, int lengthBytes, int blockLimit) {
    if (message.getShort(FrameLayout.KEY_ID_OFFSET, LE) != 0) {
      return TransportCounter.FRAMES_WRONG_KEY;
    }
    boolean bulk = templateId == BlockDataDecoder.TEMPLATE_ID;
    int provenBytes = bulk ? blockLimit : lengthBytes;
    buffer.getBytes(
        offset + FrameLayout.HEADER_BYTES,
        array,
        FrameLayout.HEADER_BYTES,
        provenBytes - FrameLayout.HEADER_BYTES);
    int checksum = message.getInt(FrameLayout.CHECKSUM_OFFSET, LE);
    message.putInt(FrameLayout.CHECKSUM_OFFSET, 0, LE);
    crc.reset();
    crc.update(array, 0, provenBytes);
    if ((int) crc.getValue() != checksum) {
      return TransportCounter.FRAMES_CORRUPT;
    }
    payload = bulk ? buffer : message;
    payloadOffset = bulk ? offset + blockLimit : blockLimit;
    payloadBytes = lengthBytes - blockLimit;
    return null;
  }

  private TransportCounter openSealed(
      DirectBuffer buffer, int offset, int lengthBytes, int blockLimit) {
    int keyId = message.getShort(FrameLayout.KEY_ID_OFFSET, LE) & 0xFFFF;
    if (keyId == 0 || !cipher.knows(keyId)) {
      return TransportCounter.FRAMES_WRONG_KEY;
    }
    int publication = message.getInt(FrameLayout.PUBLICATION_OFFSET, LE);
    long counter = message.getLong(FrameLayout.COUNTER_OFFSET, LE);
    if (publication < lastPublication
        || (publication == lastPublication && counter <= lastCounter)) {
      return TransportCounter.FRAMES_REPLAYED;
    }
    boolean carriesPayload = FrameLayout.carriesPayload(templateId);
    int headBytes = carriesPayload ? blockLimit : FrameLayout.HEADER_BYTES;
    int sealedBytes = lengthBytes - headBytes;
    buffer.getBytes(
        offset + FrameLayout.HEADER_BYTES,
        array,
        FrameLayout.HEADER_BYTES,
        headBytes - FrameLayout.HEADER_BYTES);
    buffer.getBytes(offset + headBytes, sealed, 0, sealedBytes);
    int plainBytes =
        cipher.open(keyId, publication, counter, array, headBytes, sealed, sealedBytes, opened);
    if (plainBytes < 0) {
      return TransportCounter.FRAMES_WRONG_KEY;
    }
    lastPublication = publication;
    lastCounter = counter;
    if (carriesPayload) {
      payload = openedPayload;
      payloadOffset = 0;
      payloadBytes = plainBytes;
    } else {
      System.arraycopy(opened, 0, array, headBytes, plainBytes);
      payload = message;
      payloadOffset = blockLimit;
      payloadBytes = headBytes + plainBytes - blockLimit;
    }
    return null;
  }

  private TransportCounter checkContent(int blockLimit, int contentLimit) {
    if (FrameLayout.carriesPayload(templateId)) {
      int field =
          templateId == BlockDataDecoder.TEMPLATE_ID
              ? BlockDataDecoder.payloadBytesEncodingOffset()
              : VectorDataDecoder.payloadBytesEncodingOffset();
      return message.getInt(FrameLayout.HEADER_BYTES + field, LE) == payloadBytes
          ? null
          : TransportCounter.FRAMES_CORRUPT;
    }
    return FrameLayout.tailFits(templateId, message, blockLimit, contentLimit)
        ? null
        : TransportCounter.FRAMES_CORRUPT;
  }

  /** Header, block, and for frames without payload what follows; valid until the next open. */
  public DirectBuffer message() {
    return message;
  }

  /** Template of the proven frame. */
  public int templateId() {
    return templateId;
  }

  /** Schema version of its sender. */
  public int version() {
    return version;
  }

  /** Length of its block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Where its payload lies; valid as long as the buffer given to open. */
  public DirectBuffer payload() {
    return payload;
  }

  /** Offset of the payload in {@link #payload()}. */
  public int payloadOffset() {
    return payloadOffset;
  }

  /** Length of the payload. */
  public int payloadBytes() {
    return payloadBytes;
  }
}
