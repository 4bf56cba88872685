package io.kvasir.actors.gpu;

import io.kvasir.runtime.blocks.Residence;
import java.util.EnumSet;
import java.util.Set;

/**
 * What an order says itself about where it is computed and what is loaded for it, past the rules
 * that otherwise decide; for measurements and tests.
 *
 * @param node name of the node that is asked first; null = whichever is best
 * @param sources that blocks may be loaded from. What the device has in its cache is used whatever
 *     is said here
 */
public record Directions(String node, Set<Residence> sources) {
  /** The rules decide. */
  public static final Directions NONE = new Directions(null, EnumSet.allOf(Residence.class));

  public Directions {
    sources = Set.copyOf(sources);
  }

  /** Whether it says anything. */
  public boolean given() {
    return !equals(NONE);
  }
}
