package io.kvasir.transport.driver;

import java.util.HashSet;
import java.util.Set;
import org.agrona.ErrorHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs each kind of error once, so that a log file stays small whatever repeats; Aeron's own error
 * log in the driver's folder counts the repetitions. Any thread.
 */
final class DistinctErrors implements ErrorHandler {
  static final int MAX_KINDS = 64;
  private static final Logger LOG = LoggerFactory.getLogger(DistinctErrors.class);
  private final Set<String> kinds = new HashSet<>();

  @Override
  public void onError(Throwable error) {
    if (isNew(error)) {
      LOG.warn("media driver: {}", error.toString());
    }
  }

  /** Whether it is the first of its kind and the table of kinds has room for it. */
  synchronized boolean isNew(Throwable error) {
    StackTraceElement[] stack = error.getStackTrace();
    String kind = error.getClass().getName() + (stack.length == 0 ? "" : " at " + stack[0]);
    return kinds.size() < MAX_KINDS && kinds.add(kind);
  }
}
