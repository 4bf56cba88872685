package io.kvasir.actors.api;

import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.RuntimeSettings;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;

/**
 * What a model will take of the machine's memory.
 *
 * @param weightBytes packed
 * @param arenaBytes of its KV cache
 */
public record MemoryDemand(long weightBytes, long arenaBytes) {
  /** Not known, or nothing worth counting. */
  public static final MemoryDemand NONE = new MemoryDemand(0, 0);

  /** The process beside its models. */
  static final long NODE_BYTES = 384L << 20;

  /**
   * Checks that the models of a node fit together.
   *
   * @param ids of the models, in the order of their demands
   * @throws ConfigurationException with the arithmetic when they do not
   */
  static void check(List<String> ids, List<MemoryDemand> demands, long memoryBytes) {
    long weights = 0;
    long arenas = 0;
    StringJoiner each = new StringJoiner("; ");
    for (int i = 0; i < demands.size(); i++) {
      MemoryDemand one = demands.get(i);
      weights += one.weightBytes;
      arenas += one.arenaBytes;
      each.add(
          "%s %s + %s"
              .formatted(ids.get(i), mebibytes(one.weightBytes), mebibytes(one.arenaBytes)));
    }
    long sum = weights + arenas + NODE_BYTES;
    if (weights + arenas > 0 && sum > memoryBytes) {
      throw new ConfigurationException(
          "weights of %s, KV arenas of %s and %s for the node make %s, this machine has %s (weights + arena: %s); lower %s.engine.arena, quantise with weights=int8 or int4, or serve fewer models"
              .formatted(
                  mebibytes(weights),
                  mebibytes(arenas),
                  mebibytes(NODE_BYTES),
                  mebibytes(sum),
                  mebibytes(memoryBytes),
                  each,
                  RuntimeSettings.PATH));
    }
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%d MiB", bytes >> 20);
  }
}
