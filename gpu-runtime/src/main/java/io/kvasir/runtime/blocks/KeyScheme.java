package io.kvasir.runtime.blocks;

import io.kvasir.runtime.cache.KeyChains;
import java.util.Arrays;
import java.util.List;

/**
 * How the block keys of one model on one arithmetic are made (law 2), detached from its cache, so
 * that a node without the model can name blocks too. Immutable; any thread.
 *
 * @param slots tokens a block
 * @param domains canonical bytes of each group's key domain with an empty tenant salt; owned by the
 *     record
 */
public record KeyScheme(int slots, List<byte[]> domains) {
  public KeyScheme {
    if (slots < 1 || domains.isEmpty()) {
      throw new IllegalArgumentException(
          "slots=" + slots + " and groups=" + domains.size() + " must both be at least 1");
    }
    domains = domains.stream().map(byte[]::clone).toList();
  }

  /**
   * Keys of the full blocks of {@code tokens[0, tokenCount)} without extras.
   *
   * @param tenantSalt of the authenticated tenant
   */
  public BlockKeys keys(String tenantSalt, int[] tokens, int tokenCount) {
    int blocks = tokenCount / slots;
    long[][] high = new long[domains.size()][blocks];
    long[][] low = new long[domains.size()][blocks];
    for (int g = 0; g < high.length; g++) {
      KeyChains.hash(domains.get(g), tenantSalt, slots, tokens, blocks, high[g], low[g]);
    }
    return new BlockKeys(slots, high, low);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof KeyScheme that
        && slots == that.slots
        && Arrays.deepEquals(domains.toArray(), that.domains.toArray());
  }

  @Override
  public int hashCode() {
    return 31 * slots + Arrays.deepHashCode(domains.toArray());
  }
}
