package io.kvasir.runtime.checkpoint;

import java.util.Set;

/**
 * Where weights come from: mapped shards or a seeded generator. Thread-safe. Views stay valid until
 * {@link #close()}, which unmaps; a loader packs what it needs and closes.
 */
public interface TensorSource extends AutoCloseable {

  /** Names of all tensors, in a stable order. */
  Set<String> names();

  /** Type and shape without touching the data; {@code data} is empty. */
  TensorView describe(String name);

  /**
   * The whole tensor. A mapped source returns a view of the file; a generator makes the values anew
   * at each call, so ask once.
   *
   * @throws CheckpointException if there is no such tensor
   */
  TensorView tensor(String name);

  /** Rows {@code [fromRow, toRow)} of a tensor; a generator makes only these. */
  default TensorView rows(String name, long fromRow, long toRow) {
    return tensor(name).rows(fromRow, toRow);
  }

  /**
   * A digest that changes with the weights (32 hex digits); cheap, so it samples large files. Part
   * of the key domain of cached blocks.
   */
  String revision();

  /** Gives the memory back; later use of a view fails. Idempotent. */
  @Override
  void close();
}
