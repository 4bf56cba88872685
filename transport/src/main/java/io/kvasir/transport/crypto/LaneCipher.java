package io.kvasir.transport.crypto;

import io.kvasir.transport.Lane;
import io.kvasir.transport.frame.FrameCipher;
import io.kvasir.transport.frame.FrameLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;

/**
 * AES-256-GCM of one lane in one direction. The nonce is publication number (4 bytes) ‖ counter (8
 * bytes); the key belongs to one incarnation, direction and lane, publication numbers never repeat
 * within an incarnation, counters never within a publication, so no nonce is used twice.
 *
 * <p>Rotation: the receiving side installs the next key first, then the sending side activates it.
 * The one before stays good until the next is installed. Agent only.
 */
public final class LaneCipher implements FrameCipher {
  private static final int NONCE_BYTES = 12;

  private final Cipher cipher;
  private final byte[] nonce = new byte[NONCE_BYTES];
  private final ByteBuffer nonceView = ByteBuffer.wrap(nonce);
  private SecretKey key;
  private int keyId;
  private SecretKey former;
  private int formerId;

  /**
   * @param secret 32 bytes of this direction
   */
  public LaneCipher(Lane lane, int keyId, byte[] secret) {
    try {
      this.cipher = Cipher.getInstance("AES/GCM/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no AES/GCM; use a full JDK 25", e);
    }
    install(lane, keyId, secret);
  }

  /** Takes the next key; the present one can still open frames, the one before it cannot. */
  public void install(Lane lane, int nextKeyId, byte[] secret) {
    former = key;
    formerId = keyId;
    key = derive(lane, secret);
    keyId = nextKeyId;
  }

  private static SecretKey derive(Lane lane, byte[] secret) {
    try {
      byte[] info = ("kvasir-transport lane " + lane.index()).getBytes(StandardCharsets.US_ASCII);
      return KDF.getInstance("HKDF-SHA256")
          .deriveKey("AES", HKDFParameterSpec.ofExtract().addIKM(secret).thenExpand(info, 32));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no HKDF-SHA256; use JDK 25", e);
    }
  }

  @Override
  public int sealingKeyId() {
    return keyId;
  }

  @Override
  public boolean knows(int id) {
    return id == keyId || (former != null && id == formerId);
  }

  @Override
  public int seal(
      int publication,
      long counter,
      byte[] head,
      int headBytes,
      byte[] plain,
      int plainBytes,
      byte[] out) {
    try {
      begin(Cipher.ENCRYPT_MODE, key, publication, counter);
      cipher.updateAAD(head, 0, headBytes);
      return cipher.doFinal(plain, 0, plainBytes, out, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a frame could not be sealed", e);
    }
  }

  @Override
  public int open(
      int id,
      int publication,
      long counter,
      byte[] head,
      int headBytes,
      byte[] sealed,
      int sealedBytes,
      byte[] out) {
    if (sealedBytes < FrameLayout.TAG_BYTES) {
      return -1;
    }
    try {
      begin(Cipher.DECRYPT_MODE, id == keyId ? key : former, publication, counter);
      cipher.updateAAD(head, 0, headBytes);
      return cipher.doFinal(sealed, 0, sealedBytes, out, 0);
    } catch (AEADBadTagException e) {
      return -1;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a frame could not be opened", e);
    }
  }

  private void begin(int mode, SecretKey chosen, int publication, long counter)
      throws GeneralSecurityException {
    nonceView.putInt(0, publication).putLong(4, counter);
    cipher.init(mode, chosen, new GCMParameterSpec(8 * FrameLayout.TAG_BYTES, nonce));
  }
}
