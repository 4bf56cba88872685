package io.kvasir.transport.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.wire.AckDecoder;
import io.kvasir.transport.wire.AckEncoder;
import io.kvasir.transport.wire.BlockDataDecoder;
import io.kvasir.transport.wire.BlockDataEncoder;
import io.kvasir.transport.wire.HelloDecoder;
import io.kvasir.transport.wire.HelloEncoder;
import io.kvasir.transport.wire.MessageHeaderDecoder;
import io.kvasir.transport.wire.MessageHeaderEncoder;
import io.kvasir.transport.wire.OfferDecoder;
import io.kvasir.transport.wire.PullDecoder;
import io.kvasir.transport.wire.VectorDataDecoder;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** The layout on the wire: every offset that readers rely on, and whole frames as bytes. */
class WireFormatTest {
  private static final long FROM = 0x1112131415161718L;
  private static final long TO = 0x2122232425262728L;

  /** What version 0 sent: a Hello of 32 bytes, without maxBatchBlocks. */
  private static final String HELLO_OF_VERSION_0 =
      "2000"
          + "0100"
          + "564b"
          + "0000"
          + "53000000"
          + "ffffffff"
          + "1817161514131211"
          + "2827262524232221"
          + "0000000000000000"
          + "00000000"
          + "0000"
          + "0000"
          + "0700000000000000"
          + "0000"
          + "0000"
          + "00000000"
          + "000102030405060708090a0b0c0d0e0f"
          + "0100aa";

  private static final String HELLO =
      "24000100564b010057000000284f07e5181716151413121128272625242322210000000000000000"
          + "000000000000000007000000000000000100000000000000000102030405060708090a0b0c0d0e0f"
          + "001000000100aa";

  private static final String BLOCK_DATA =
      "20000900564b010054000000cec35db5181716151413121128272625242322210000000000000000"
          + "00000000000000000200000000000000030000000000010000000200040000000900000000000000"
          + "deadbeef";

  private static final String ACK =
      "20000600564b01005400000063ee387e181716151413121128272625242322210000000000000000"
          + "00000000000000000200000000000000400000000000000080000000000000000100000001000000"
          + "02000113";

  private final UnsafeBuffer frame = new UnsafeBuffer(new byte[FrameLayout.MAX_FRAME_BYTES]);
  private final UnsafeBuffer sent = new UnsafeBuffer(new byte[FrameLayout.MAX_FRAME_BYTES]);

  private MessageHeaderEncoder header() {
    return new MessageHeaderEncoder()
        .wrap(frame, 0)
        .fromIncarnation(FROM)
        .toIncarnation(TO)
        .counter(0)
        .publication(0)
        .keyId(0)
        .reserved(0);
  }

  private String written(int headBytes, UnsafeBuffer payload, int at, int payloadBytes) {
    new FrameWriter(null).write(sent, 0, frame, headBytes, payload, at, payloadBytes);
    return HexFormat.of().formatHex(sent.byteArray(), 0, headBytes + payloadBytes);
  }

  @Test
  void shouldKeepEveryOffset() {
    assertEquals(48, FrameLayout.HEADER_BYTES);
    assertEquals(FrameLayout.FRAME_BYTES_OFFSET, MessageHeaderDecoder.frameBytesEncodingOffset());
    assertEquals(FrameLayout.CHECKSUM_OFFSET, MessageHeaderDecoder.checksumEncodingOffset());
    assertEquals(
        FrameLayout.FROM_INCARNATION_OFFSET, MessageHeaderDecoder.fromIncarnationEncodingOffset());
    assertEquals(
        FrameLayout.TO_INCARNATION_OFFSET, MessageHeaderDecoder.toIncarnationEncodingOffset());
    assertEquals(FrameLayout.COUNTER_OFFSET, MessageHeaderDecoder.counterEncodingOffset());
    assertEquals(FrameLayout.PUBLICATION_OFFSET, MessageHeaderDecoder.publicationEncodingOffset());
    assertEquals(FrameLayout.KEY_ID_OFFSET, MessageHeaderDecoder.keyIdEncodingOffset());
    assertEquals(80, FrameLayout.BLOCK_DATA_HEAD_BYTES);
    assertEquals(0, BlockDataDecoder.transferIdEncodingOffset());
    assertEquals(8, BlockDataDecoder.blockIndexEncodingOffset());
    assertEquals(12, BlockDataDecoder.offsetBytesEncodingOffset());
    assertEquals(16, BlockDataDecoder.lengthBytesEncodingOffset());
    assertEquals(20, BlockDataDecoder.payloadBytesEncodingOffset());
    assertEquals(24, BlockDataDecoder.generationEncodingOffset());
    assertEquals(28, BlockDataDecoder.abortEncodingOffset());
    assertEquals(88, FrameLayout.VECTOR_HEAD_BYTES);
    assertEquals(36, VectorDataDecoder.payloadBytesEncodingOffset());
    assertEquals(40, OfferDecoder.BlocksDecoder.sbeBlockLength());
    assertEquals(40, PullDecoder.BlocksDecoder.sbeBlockLength());
  }

  @Test
  void shouldWriteGoldenHello() {
    HelloEncoder hello = new HelloEncoder().wrapAndApplyHeader(frame, 0, header());
    hello.nodeId(7).protocolVersion(1).oldestVersion(0).reserved(0).maxBatchBlocks(4096);
    for (int i = 0; i < 16; i++) {
      hello.canonicalHash(i, (short) i);
    }
    hello.putFingerprint(new byte[] {(byte) 0xAA}, 0, 1);
    assertEquals(HELLO, written(48, frame, 48, hello.encodedLength()));
  }

  @Test
  void shouldWriteGoldenBlockData() {
    BlockDataEncoder data = new BlockDataEncoder().wrapAndApplyHeader(frame, 0, header());
    data.transferId(2)
        .blockIndex(3)
        .offsetBytes(65536)
        .lengthBytes(131072)
        .payloadBytes(4)
        .generation(9)
        .abort((short) 0)
        .reserved((short) 0)
        .reserved2(0);
    UnsafeBuffer payload = new UnsafeBuffer(HexFormat.of().parseHex("deadbeef"));
    assertEquals(BLOCK_DATA, written(FrameLayout.BLOCK_DATA_HEAD_BYTES, payload, 0, 4));
  }

  @Test
  void shouldWriteGoldenAck() {
    AckEncoder ack = new AckEncoder().wrapAndApplyHeader(frame, 0, header());
    ack.transferId(2)
        .positionBytes(64)
        .limitBytes(128)
        .firstIndex(1)
        .flags((short) 1)
        .reserved((short) 0)
        .reserved2(0);
    ack.putCodes(new byte[] {1, 19}, 0, 2);
    assertEquals(ACK, written(48, frame, 48, ack.encodedLength()));
  }

  @Test
  void shouldReadGoldenFramesBack() {
    FrameReader reader = new FrameReader(TO, FROM, null);
    byte[] data = HexFormat.of().parseHex(BLOCK_DATA);
    assertNull(reader.open(new UnsafeBuffer(data), 0, data.length));
    BlockDataDecoder block =
        new BlockDataDecoder().wrap(reader.message(), 48, reader.blockBytes(), reader.version());
    assertEquals(131072, block.lengthBytes());
    assertEquals(4, reader.payloadBytes());
    byte[] ack = HexFormat.of().parseHex(ACK);
    assertNull(reader.open(new UnsafeBuffer(ack), 0, ack.length));
    AckDecoder decoded =
        new AckDecoder().wrap(reader.message(), 48, reader.blockBytes(), reader.version());
    assertEquals(64, decoded.positionBytes());
    assertEquals(2, decoded.codesLength());
  }

  @Test
  void shouldReadTheVersionBefore() {
    byte[] bytes = HexFormat.of().parseHex(HELLO_OF_VERSION_0);
    UnsafeBuffer old = new UnsafeBuffer(bytes);
    old.putInt(FrameLayout.CHECKSUM_OFFSET, 0);
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    old.putInt(FrameLayout.CHECKSUM_OFFSET, (int) crc.getValue());
    FrameReader reader = new FrameReader(TO, FROM, null);
    assertNull(reader.open(old, 0, bytes.length));
    HelloDecoder hello =
        new HelloDecoder().wrap(reader.message(), 48, reader.blockBytes(), reader.version());
    assertEquals(7, hello.nodeId());
    assertEquals(HelloDecoder.maxBatchBlocksNullValue(), hello.maxBatchBlocks());
    assertEquals(1, hello.fingerprintLength());
  }

  @Test
  void shouldReadAppendedFieldsOfANewerVersion() {
    byte[] golden = HexFormat.of().parseHex(BLOCK_DATA);
    byte[] longer = new byte[golden.length + 8];
    System.arraycopy(golden, 0, longer, 0, 80);
    System.arraycopy(golden, 80, longer, 88, 4);
    UnsafeBuffer newer = new UnsafeBuffer(longer);
    newer.putShort(0, (short) 40);
    newer.putShort(6, (short) 2);
    newer.putInt(FrameLayout.FRAME_BYTES_OFFSET, longer.length);
    newer.putInt(FrameLayout.CHECKSUM_OFFSET, 0);
    CRC32C crc = new CRC32C();
    crc.update(longer, 0, 88);
    newer.putInt(FrameLayout.CHECKSUM_OFFSET, (int) crc.getValue());
    FrameReader reader = new FrameReader(TO, FROM, null);
    assertNull(reader.open(newer, 0, longer.length));
    assertEquals(4, reader.payloadBytes());
    assertEquals((byte) 0xDE, reader.payload().getByte(reader.payloadOffset()));
  }

  @Test
  void shouldRefuseForeignSchemas() {
    byte[] golden = HexFormat.of().parseHex(ACK);
    golden[4]++;
    FrameReader reader = new FrameReader(TO, FROM, null);
    assertEquals(
        TransportCounter.FRAMES_FOREIGN, reader.open(new UnsafeBuffer(golden), 0, golden.length));
  }
}
