package io.kvasir.runtime.device;

/** A device call that could not be carried out: bad arguments, no memory, or a failed kernel. */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DeviceException(String message) {
    super(message);
  }

  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
