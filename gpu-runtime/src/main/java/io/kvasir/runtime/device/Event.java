package io.kvasir.runtime.device;

/** Completion of everything enqueued before {@link Device#record()}. */
public interface Event {
  /** An event that is already complete, for devices that finish every call before it returns. */
  Event DONE = () -> true;

  /** True once complete. Callable from any thread. */
  boolean isDone();
}
