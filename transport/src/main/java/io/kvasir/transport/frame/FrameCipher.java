package io.kvasir.transport.frame;

/**
 * Seals the frames of one lane in one direction. Not thread-safe: owned by the agent. The writer
 * puts key id, publication and counter into the head before it asks for the seal, so that they are
 * authenticated with it.
 */
public interface FrameCipher {
  /** Id of the key that seals now; never 0. */
  int sealingKeyId();

  /** Whether frames of this key can be opened. */
  boolean knows(int keyId);

  /**
   * Encrypts {@code plain[0, plainBytes)} into {@code out} and appends the tag.
   *
   * @return bytes written to {@code out}: {@code plainBytes + TAG_BYTES}
   */
  int seal(
      int publication,
      long counter,
      byte[] head,
      int headBytes,
      byte[] plain,
      int plainBytes,
      byte[] out);

  /**
   * Opens {@code sealed[0, sealedBytes)} (tag included) into {@code out}; nothing of {@code out} is
   * to be used unless the tag proves it.
   *
   * @return plain bytes, or -1 if the tag does not prove the frame
   */
  int open(
      int keyId,
      int publication,
      long counter,
      byte[] head,
      int headBytes,
      byte[] sealed,
      int sealedBytes,
      byte[] out);
}
