package io.kvasir.actors.gateway;

import org.apache.pekko.event.LoggingAdapter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Pekko HTTP wants to say about connections. A stream that we cut off because nobody reads it
 * is an end like others, counted in {@code kvasir_streams_aborted}; Pekko reports it as an error
 * with a stack trace. Safe from any thread.
 */
final class HttpLog implements LoggingAdapter {
  private static final Logger LOG = LoggerFactory.getLogger("io.kvasir.http");

  @Override
  public boolean isErrorEnabled() {
    return LOG.isErrorEnabled();
  }

  @Override
  public boolean isWarningEnabled() {
    return LOG.isWarnEnabled();
  }

  @Override
  public boolean isInfoEnabled() {
    return LOG.isInfoEnabled();
  }

  @Override
  public boolean isDebugEnabled() {
    return LOG.isDebugEnabled();
  }

  @Override
  public void notifyError(String message) {
    LOG.error("{}", message);
  }

  @Override
  public void notifyError(Throwable cause, String message) {
    if (cause instanceof WriteDeadline.SlowReaderException) {
      LOG.debug("{}", message);
    } else {
      LOG.error("{}", message, cause);
    }
  }

  @Override
  public void notifyWarning(String message) {
    LOG.warn("{}", message);
  }

  @Override
  public void notifyInfo(String message) {
    LOG.info("{}", message);
  }

  @Override
  public void notifyDebug(String message) {
    LOG.debug("{}", message);
  }
}
