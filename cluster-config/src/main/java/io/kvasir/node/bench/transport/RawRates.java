package io.kvasir.node.bench.transport;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.zip.CRC32C;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** What checksum and cipher could reach alone, on one thread, frame by frame over a region. */
final class RawRates {
  private static final int TAG_BITS = 128;
  private static final int NONCE_BYTES = 12;
  private static final int HEADER_BYTES = 32;
  private static final long WARM_UP_NS = 1_500_000_000L;
  private static final long MEASURED_NS = 300_000_000;
  private final ByteBuffer region;
  private final CRC32C crc = new CRC32C();
  private final Cipher cipher;
  private final SecretKeySpec key = new SecretKeySpec(new byte[32], "AES");
  private final byte[] nonce = new byte[NONCE_BYTES];
  private final byte[] header = new byte[HEADER_BYTES];
  private ByteBuffer output;
  private byte[] plain;
  private byte[] sealed;
  private long frames;
  private int sink;

  RawRates(ByteBuffer region) throws GeneralSecurityException {
    this.region = region;
    this.cipher = Cipher.getInstance("AES/GCM/NoPadding");
  }

  /** Checksums of frames, in GB/s. */
  double crc(int frameBytes) throws GeneralSecurityException {
    return rate(frameBytes, this::crcFrame);
  }

  /** Encryption of frames into a direct buffer, in GB/s; by way of arrays, or not. */
  double encrypt(int frameBytes, boolean direct) throws GeneralSecurityException {
    int most = frameBytes + TAG_BITS / 8;
    output = ByteBuffer.allocateDirect(most);
    plain = new byte[frameBytes];
    sealed = new byte[most];
    return rate(frameBytes, direct ? this::encryptDirect : this::encryptArrays);
  }

  private interface Frame {
    void process(int offset, int length) throws GeneralSecurityException;
  }

  private double rate(int frameBytes, Frame frame) throws GeneralSecurityException {
    spend(WARM_UP_NS, frameBytes, frame);
    return spend(MEASURED_NS, frameBytes, frame);
  }

  private double spend(long ns, int frameBytes, Frame frame) throws GeneralSecurityException {
    long startNs = System.nanoTime();
    long bytes = 0;
    long nowNs;
    do {
      bytes += slice(frameBytes, frame);
      nowNs = System.nanoTime();
    } while (nowNs - startNs < ns);
    return (double) bytes / (nowNs - startNs);
  }

  private long slice(int frameBytes, Frame frame) throws GeneralSecurityException {
    int inRegion = Regions.BYTES / frameBytes;
    for (int i = 0; i < 16; i++) {
      frame.process((int) (frames++ % inRegion) * frameBytes, frameBytes);
    }
    return 16L * frameBytes;
  }

  private void crcFrame(int offset, int length) {
    crc.reset();
    crc.update(region.limit(offset + length).position(offset));
    sink += (int) crc.getValue();
  }

  private void encryptDirect(int offset, int length) throws GeneralSecurityException {
    begin();
    sink += cipher.doFinal(region.limit(offset + length).position(offset), output.clear());
  }

  /** As the transport does it: both copies are cheaper than the cipher's own way with buffers. */
  private void encryptArrays(int offset, int length) throws GeneralSecurityException {
    region.limit(offset + length).position(offset).get(plain, 0, length);
    begin();
    int bytes = cipher.doFinal(plain, 0, length, sealed, 0);
    output.clear().put(sealed, 0, bytes);
    sink += bytes;
  }

  private void begin() throws GeneralSecurityException {
    for (int i = 0; i < Long.BYTES; i++) {
      nonce[i] = (byte) (frames >>> (Byte.SIZE * i));
    }
    cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(header);
  }

  /** Keeps the results alive. */
  int sink() {
    return sink;
  }
}
