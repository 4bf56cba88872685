package io.kvasir.transport;

/**
 * Secrets of one connection, made by the callers' authenticated channel: fresh for each pair of
 * incarnations and each direction. Keys of the lanes are derived from them. What one side sends
 * with, the other receives with.
 *
 * @param keyId 1..65535, raised at each rotation
 * @param sendSecret 32 random bytes for what this node sends
 * @param receiveSecret 32 random bytes for what it receives
 */
public record LinkKeys(int keyId, byte[] sendSecret, byte[] receiveSecret) {
  /** Length of a secret. */
  public static final int SECRET_BYTES = 32;

  public LinkKeys {
    if (keyId < 1 || keyId > 65_535) {
      throw new IllegalArgumentException("keyId=" + keyId + " is outside 1..65535");
    }
    if (sendSecret.length != SECRET_BYTES || receiveSecret.length != SECRET_BYTES) {
      throw new IllegalArgumentException(
          "secrets of "
              + sendSecret.length
              + " and "
              + receiveSecret.length
              + " bytes given, "
              + SECRET_BYTES
              + " each needed");
    }
    sendSecret = sendSecret.clone();
    receiveSecret = receiveSecret.clone();
  }

  @Override
  public String toString() {
    return "LinkKeys[keyId=" + keyId + "]";
  }
}
