package io.kvasir.transport.driver;

import java.nio.file.Path;

/**
 * The driver behind a handle is no more: every publication and image of its clients is lost, and
 * the handle must be replaced. A normal event.
 *
 * @param folder the lost driver's Aeron folder
 */
public record DriverLoss(Cause cause, Path folder) {
  /** How it was noticed. */
  public enum Cause {
    /** It said that it closes. */
    CLOSED,
    /** Its process is gone. */
    PROCESS_GONE,
    /** Its heartbeat stood still for the driver time-out. */
    STALLED
  }
}
