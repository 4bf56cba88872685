package io.kvasir.runtime.device;

/** A run of f32 values in device memory; reachable from the host only by copy. */
public interface DeviceFloats extends AutoCloseable {
  long count();

  /** Frees the memory once everything enqueued with it is done. */
  @Override
  void close();
}
