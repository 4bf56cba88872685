package io.kvasir.runtime.device;

/**
 * The memory of one KV arena. Addresses inside it are byte offsets, multiples of 64. The cache owns
 * what lies where; the device only reads and writes at addresses that a plan names.
 */
public interface PageMemory extends AutoCloseable {
  long bytes();

  /** Frees the memory once everything enqueued with it is done. */
  @Override
  void close();
}
