package io.kvasir.transport.frame;

import io.kvasir.transport.wire.BlockDataEncoder;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Writes finished frames of one lane into claimed space: length, checksum or seal are put here, so
 * that the protocol knows nothing of either. Owned by the agent; allocates nothing without a
 * cipher.
 */
public final class FrameWriter {
  private static final int MAX_HEAD_BYTES = 256;

  private final FrameCipher cipher;
  private final byte[] headArray = new byte[MAX_HEAD_BYTES];
  private final UnsafeBuffer head = new UnsafeBuffer(headArray);
  private final byte[] plain;
  private final byte[] sealed;
  private final CRC32C crc = new CRC32C();
  private int publication;
  private long counter;

  /**
   * @param cipher seals every frame, or null for a lane that is not encrypted
   */
  public FrameWriter(FrameCipher cipher) {
    this.cipher = cipher;
    this.plain = new byte[cipher == null ? 0 : FrameLayout.MAX_FRAME_BYTES];
    this.sealed = new byte[cipher == null ? 0 : FrameLayout.MAX_FRAME_BYTES];
  }

  /** Starts another publication: the counter begins anew under another nonce prefix. */
  public void publication(int number) {
    this.publication = number;
    this.counter = 0;
  }

  /** Bytes a frame needs beyond head and payload. */
  public int overheadBytes() {
    return cipher == null ? 0 : FrameLayout.TAG_BYTES;
  }

  /**
   * Writes one frame of {@code headBytes + payloadBytes + overheadBytes()}.
   *
   * @param into claimed space
   * @param source encoded head; unchanged
   * @param headBytes of the head, at most 256
   * @param payload what follows, or null if {@code payloadBytes} is 0
   */
  public void write(
      MutableDirectBuffer into,
      int offset,
      DirectBuffer source,
      int headBytes,
      DirectBuffer payload,
      int payloadOffset,
      int payloadBytes) {
    source.getBytes(0, headArray, 0, headBytes);
    head.putInt(
        FrameLayout.FRAME_BYTES_OFFSET,
        headBytes + payloadBytes + overheadBytes(),
        ByteOrder.LITTLE_ENDIAN);
    head.putInt(FrameLayout.CHECKSUM_OFFSET, 0, ByteOrder.LITTLE_ENDIAN);
    if (cipher == null) {
      writePlain(into, offset, headBytes, payload, payloadOffset, payloadBytes);
    } else {
      writeSealed(into, offset, headBytes, payload, payloadOffset, payloadBytes);
    }
  }

  private void writePlain(
      MutableDirectBuffer into,
      int offset,
      int headBytes,
      DirectBuffer payload,
      int payloadOffset,
      int payloadBytes) {
    crc.reset();
    crc.update(headArray, 0, headBytes);
    if (payloadBytes > 0) {
      if (templateId() != BlockDataEncoder.TEMPLATE_ID) {
        byte[] array = payload.byteArray();
        crc.update(array, payload.wrapAdjustment() + payloadOffset, payloadBytes);
      }
      into.putBytes(offset + headBytes, payload, payloadOffset, payloadBytes);
    }
    head.putInt(FrameLayout.CHECKSUM_OFFSET, (int) crc.getValue(), ByteOrder.LITTLE_ENDIAN);
    into.putBytes(offset, headArray, 0, headBytes);
  }

  private void writeSealed(
      MutableDirectBuffer into,
      int offset,
      int headBytes,
      DirectBuffer payload,
      int payloadOffset,
      int payloadBytes) {
    counter++;
    head.putLong(FrameLayout.COUNTER_OFFSET, counter, ByteOrder.LITTLE_ENDIAN);
    head.putInt(FrameLayout.PUBLICATION_OFFSET, publication, ByteOrder.LITTLE_ENDIAN);
    head.putShort(
        FrameLayout.KEY_ID_OFFSET, (short) cipher.sealingKeyId(), ByteOrder.LITTLE_ENDIAN);
    if (payloadBytes > 0) {
      payload.getBytes(payloadOffset, plain, 0, payloadBytes);
    }
    int bytes =
        cipher.seal(publication, counter, headArray, headBytes, plain, payloadBytes, sealed);
    into.putBytes(offset, headArray, 0, headBytes);
    into.putBytes(offset + headBytes, sealed, 0, bytes);
  }

  private int templateId() {
    return head.getShort(2, ByteOrder.LITTLE_ENDIAN) & 0xFFFF;
  }
}
