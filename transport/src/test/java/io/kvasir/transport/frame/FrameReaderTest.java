package io.kvasir.transport.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.transport.Lane;
import io.kvasir.transport.TransportCounter;
import io.kvasir.transport.crypto.LaneCipher;
import io.kvasir.transport.wire.AckDecoder;
import io.kvasir.transport.wire.BlockDataEncoder;
import io.kvasir.transport.wire.GrantDecoder;
import io.kvasir.transport.wire.HelloDecoder;
import io.kvasir.transport.wire.HelloReplyDecoder;
import io.kvasir.transport.wire.MessageHeaderEncoder;
import io.kvasir.transport.wire.OfferDecoder;
import io.kvasir.transport.wire.PullDecoder;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;

/** What the door lets through, and that nothing else gets past it. */
class FrameReaderTest {
  private static final long OWN = 11;
  private static final long PEER = 22;
  private static final byte[] SECRET = new byte[32];

  private final UnsafeBuffer head = new UnsafeBuffer(new byte[80]);
  private final UnsafeBuffer payload = new UnsafeBuffer(new byte[100]);

  private byte[] blockData(FrameWriter writer) {
    MessageHeaderEncoder header = new MessageHeaderEncoder().wrap(head, 0);
    header.fromIncarnation(PEER).toIncarnation(OWN).counter(0).publication(0);
    header.keyId(0).reserved(0);
    new BlockDataEncoder()
        .wrapAndApplyHeader(head, 0, header)
        .transferId(1)
        .blockIndex(0)
        .offsetBytes(0)
        .lengthBytes(100)
        .payloadBytes(100)
        .generation(0)
        .abort((short) 0)
        .reserved((short) 0)
        .reserved2(0);
    byte[] frame = new byte[180 + writer.overheadBytes()];
    writer.write(new UnsafeBuffer(frame), 0, head, 80, payload, 0, 100);
    return frame;
  }

  private static TransportCounter open(FrameReader reader, byte[] frame) {
    return reader.open(new UnsafeBuffer(frame), 0, frame.length);
  }

  private static FrameReader plain() {
    return new FrameReader(OWN, PEER, null);
  }

  private static FrameReader sealed() {
    return new FrameReader(OWN, PEER, new LaneCipher(Lane.BULK, 1, SECRET));
  }

  private static FrameWriter sealing(int publication) {
    FrameWriter writer = new FrameWriter(new LaneCipher(Lane.BULK, 1, SECRET));
    writer.publication(publication);
    return writer;
  }

  @Test
  void shouldRefuseEveryTruncation() {
    byte[] frame = blockData(new FrameWriter(null));
    assertNull(open(plain(), frame));
    for (int length = 0; length < frame.length; length++) {
      assertEquals(TransportCounter.FRAMES_TRUNCATED, open(plain(), Arrays.copyOf(frame, length)));
    }
    byte[] longer = Arrays.copyOf(frame, frame.length + 1);
    assertEquals(TransportCounter.FRAMES_TRUNCATED, open(plain(), longer));
  }

  @Test
  void shouldRefuseEveryFlippedBitOfTheHead() {
    byte[] frame = blockData(new FrameWriter(null));
    for (int bit = 0; bit < 80 * 8; bit++) {
      byte[] changed = frame.clone();
      changed[bit / 8] ^= (byte) (1 << (bit & 7));
      assertNotNull(open(plain(), changed), "bit " + bit);
    }
  }

  @Test
  void shouldRefuseEveryFlippedBitOfASealedFrame() {
    byte[] frame = blockData(sealing(1));
    for (int bit = 0; bit < frame.length * 8; bit++) {
      byte[] changed = frame.clone();
      changed[bit / 8] ^= (byte) (1 << (bit & 7));
      assertNotNull(open(sealed(), changed), "bit " + bit);
    }
    assertNull(open(sealed(), frame));
  }

  @Test
  void shouldRefuseOtherIncarnations() {
    byte[] frame = blockData(new FrameWriter(null));
    assertEquals(
        TransportCounter.FRAMES_WRONG_INCARNATION, open(new FrameReader(12, PEER, null), frame));
    assertEquals(
        TransportCounter.FRAMES_WRONG_INCARNATION, open(new FrameReader(OWN, 23, null), frame));
  }

  @Test
  void shouldRefuseReplays() {
    FrameReader reader = sealed();
    FrameWriter writer = sealing(1);
    byte[] first = blockData(writer);
    byte[] second = blockData(writer);
    assertNull(open(reader, first));
    assertEquals(TransportCounter.FRAMES_REPLAYED, open(reader, first));
    assertNull(open(reader, second));
    assertEquals(TransportCounter.FRAMES_REPLAYED, open(reader, first));
    byte[] next = blockData(sealing(2));
    assertNull(open(reader, next));
    assertEquals(TransportCounter.FRAMES_REPLAYED, open(reader, second));
  }

  @Test
  void shouldRefuseOtherKeysAndLanes() {
    byte[] otherSecret = SECRET.clone();
    otherSecret[3] = 1;
    byte[] frame = blockData(sealing(1));
    assertEquals(
        TransportCounter.FRAMES_WRONG_KEY,
        open(new FrameReader(OWN, PEER, new LaneCipher(Lane.BULK, 1, otherSecret)), frame));
    assertEquals(
        TransportCounter.FRAMES_WRONG_KEY,
        open(new FrameReader(OWN, PEER, new LaneCipher(Lane.SMALL, 1, SECRET)), frame));
    assertEquals(
        TransportCounter.FRAMES_WRONG_KEY,
        open(new FrameReader(OWN, PEER, new LaneCipher(Lane.BULK, 2, SECRET)), frame));
    assertEquals(TransportCounter.FRAMES_WRONG_KEY, open(plain(), frame));
    assertNotNull(open(sealed(), blockData(new FrameWriter(null))));
  }

  @Test
  void shouldKeepTheFormerKeyForOneRotation() {
    LaneCipher receiving = new LaneCipher(Lane.BULK, 1, SECRET);
    FrameReader reader = new FrameReader(OWN, PEER, receiving);
    LaneCipher sending = new LaneCipher(Lane.BULK, 1, SECRET);
    FrameWriter writer = new FrameWriter(sending);
    writer.publication(1);
    byte[] secondSecret = SECRET.clone();
    secondSecret[0] = 9;
    receiving.install(Lane.BULK, 2, secondSecret);
    assertNull(open(reader, blockData(writer)), "the former key still opens");
    byte[] late = blockData(writer);
    sending.install(Lane.BULK, 2, secondSecret);
    assertNull(open(reader, late));
    assertNull(open(reader, blockData(writer)), "the next key opens");
    FrameWriter old = sealing(5);
    byte[] tooLate = blockData(old);
    byte[] thirdSecret = SECRET.clone();
    thirdSecret[0] = 10;
    receiving.install(Lane.BULK, 3, thirdSecret);
    assertEquals(TransportCounter.FRAMES_WRONG_KEY, open(reader, tooLate));
  }

  /** Whatever the bytes are: no exception, and decoders stay within what was let through. */
  @Test
  void shouldSurviveAnyBytes() {
    long seed = Long.getLong("kvasir.fuzz.seed", 20_261_123L);
    SplittableRandom random = new SplittableRandom(seed);
    FrameReader plain = plain();
    FrameReader sealed = sealed();
    byte[] bytes = new byte[1500];
    UnsafeBuffer buffer = new UnsafeBuffer(bytes);
    int letThrough = 0;
    for (int round = 0; round < 300_000; round++) {
      int length = random.nextInt(bytes.length);
      int offset = random.nextInt(bytes.length - length);
      random.nextBytes(bytes);
      if (random.nextInt(8) != 0) {
        makePlausible(buffer, offset, length, random);
      }
      try {
        sealed.open(buffer, offset, length);
        if (plain.open(buffer, offset, length) == null) {
          letThrough++;
          decode(plain);
        }
      } catch (RuntimeException e) {
        throw new AssertionError("round " + round + " of seed " + seed, e);
      }
    }
    assertTrue(letThrough > 1_000, "the fuzzer reaches the decoders: " + letThrough);
  }

  private static void makePlausible(
      UnsafeBuffer buffer, int offset, int length, SplittableRandom random) {
    if (length < 48) {
      return;
    }
    buffer.putShort(offset, (short) random.nextInt(80));
    buffer.putShort(offset + 2, (short) random.nextInt(14));
    buffer.putShort(offset + 4, (short) 19286);
    buffer.putShort(offset + 6, (short) random.nextInt(3));
    buffer.putInt(offset + 8, length);
    buffer.putLong(offset + 16, PEER);
    buffer.putLong(offset + 24, OWN);
    buffer.putShort(offset + 44, (short) 0);
    int block = buffer.getShort(offset);
    if (length > 48 + block + 4) {
      buffer.putShort(offset + 48 + block, (short) random.nextInt(60));
      buffer.putShort(offset + 48 + block + 2, (short) random.nextInt(30));
    }
    buffer.putInt(offset + 12, 0);
    boolean bulk = buffer.getShort(offset + 2) == BlockDataEncoder.TEMPLATE_ID;
    CRC32C crc = new CRC32C();
    crc.update(buffer.byteArray(), offset, bulk ? Math.min(length, 48 + block) : length);
    buffer.putInt(offset + 12, (int) crc.getValue());
  }

  private static void decode(FrameReader reader) {
    var message = reader.message();
    int block = reader.blockBytes();
    int version = reader.version();
    byte[] out = new byte[70_000];
    switch (reader.templateId()) {
      case PullDecoder.TEMPLATE_ID -> {
        var blocks = new PullDecoder().wrap(message, 48, block, version).blocks();
        while (blocks.hasNext()) {
          blocks.next().generation();
        }
      }
      case OfferDecoder.TEMPLATE_ID -> {
        var blocks = new OfferDecoder().wrap(message, 48, block, version).blocks();
        while (blocks.hasNext()) {
          blocks.next().refusal();
        }
      }
      case GrantDecoder.TEMPLATE_ID -> {
        GrantDecoder grant = new GrantDecoder().wrap(message, 48, block, version);
        grant.getCodes(out, 0, grant.codesLength());
      }
      case AckDecoder.TEMPLATE_ID -> {
        AckDecoder ack = new AckDecoder().wrap(message, 48, block, version);
        ack.getCodes(out, 0, ack.codesLength());
      }
      case HelloDecoder.TEMPLATE_ID -> {
        HelloDecoder hello = new HelloDecoder().wrap(message, 48, block, version);
        hello.getFingerprint(out, 0, hello.fingerprintLength());
      }
      case HelloReplyDecoder.TEMPLATE_ID -> {
        HelloReplyDecoder reply = new HelloReplyDecoder().wrap(message, 48, block, version);
        reply.getSentence(out, 0, reply.sentenceLength());
      }
      default -> reader.payload().getBytes(reader.payloadOffset(), out, 0, reader.payloadBytes());
    }
  }
}
