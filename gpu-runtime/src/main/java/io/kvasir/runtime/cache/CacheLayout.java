package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.FrameLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which layers keep KV, in which group, which layers read another layer's KV, and which keep a
 * state. Immutable and validated; declared by the model, a policy may split groups. Usable from any
 * thread.
 */
public final class CacheLayout {
  private final int layerCount;
  private final LayerGroup[] groups;
  private final int[] owner;
  private final int[] groupOf;
  private final int[] ordinal;
  private final List<StateSpec> states;
  private final int positionAxes;

  private CacheLayout(Builder builder) {
    layerCount = builder.layerCount;
    groups = builder.groups.toArray(LayerGroup[]::new);
    positionAxes = builder.positionAxes;
    states = List.copyOf(builder.states);
    groupOf = new int[layerCount];
    ordinal = new int[layerCount];
    Arrays.fill(groupOf, -1);
    for (LayerGroup group : groups) {
      for (int i = 0; i < group.layerCount(); i++) {
        int layer = builder.checkLayer(group.layer(i));
        if (groupOf[layer] >= 0) {
          throw new IllegalArgumentException(
              "layer " + layer + " is in groups " + groupOf[layer] + " and " + group.id());
        }
        groupOf[layer] = group.id();
        ordinal[layer] = i;
      }
    }
    if (groups.length == 0) {
      throw new IllegalArgumentException("a cache layout needs at least one layer group");
    }
    for (LayerGroup group : groups) {
      if (group.frame().slots() != slots()) {
        throw new IllegalArgumentException(
            "layer group "
                + group.id()
                + " has slots="
                + group.frame().slots()
                + " but group 0 has "
                + slots()
                + ", all groups of a layout share one page length");
      }
    }
    owner = builder.alias.clone();
    resolveAliases();
    checkStates();
  }

  private void resolveAliases() {
    for (int layer = 0; layer < layerCount; layer++) {
      int target = owner[layer];
      if (target == layer) {
        continue;
      }
      if (groupOf[layer] >= 0 || owner[target] != target || groupOf[target] < 0) {
        throw new IllegalArgumentException(
            "layer "
                + layer
                + " is an alias of layer "
                + target
                + ": an alias keeps no KV itself and its owner must be in a group");
      }
    }
    for (int layer = 0; layer < layerCount; layer++) {
      if (owner[layer] != layer) {
        groupOf[layer] = groupOf[owner[layer]];
        ordinal[layer] = ordinal[owner[layer]];
      }
    }
  }

  private void checkStates() {
    Set<String> seen = new HashSet<>();
    for (StateSpec spec : states) {
      if (spec.layer() >= layerCount || !seen.add(spec.layer() + "/" + spec.id())) {
        throw new IllegalArgumentException(
            "state "
                + spec.id()
                + " of layer "
                + spec.layer()
                + " is declared twice or beyond layerCount="
                + layerCount);
      }
    }
  }

  public static Builder builder(int layerCount) {
    return new Builder(layerCount);
  }

  public int layerCount() {
    return layerCount;
  }

  public int groupCount() {
    return groups.length;
  }

  public LayerGroup group(int g) {
    return groups[g];
  }

  /** The group whose pages hold this layer's KV, aliases resolved; −1 when it keeps none. */
  public int groupOf(int layer) {
    return groupOf[layer];
  }

  /** Place of the layer in its group's pages, aliases resolved. */
  public int ordinalInGroup(int layer) {
    return ordinal[layer];
  }

  /** The layer whose KV this layer reads; itself unless it is an alias. */
  public int ownerLayer(int layer) {
    return owner[layer];
  }

  public List<StateSpec> states() {
    return states;
  }

  /** Entries per page, the same for all groups. */
  public int slots() {
    return groups[0].frame().slots();
  }

  /** Rotary position axes of an entry: 1, or 3 for multi-modal rotary positions. */
  public int positionAxes() {
    return positionAxes;
  }

  /** Bytes of KV that one token adds over all groups. */
  public long bytesPerToken() {
    long bytes = 0;
    for (LayerGroup group : groups) {
      bytes += group.pageBytes();
    }
    return bytes / slots();
  }

  /** Collects groups in the order of their ids. */
  public static final class Builder {
    private final int layerCount;
    private final List<LayerGroup> groups = new ArrayList<>();
    private final List<StateSpec> states = new ArrayList<>();
    private final int[] alias;
    private int positionAxes = 1;

    private Builder(int layerCount) {
      if (layerCount <= 0) {
        throw new IllegalArgumentException("layerCount=" + layerCount + " must be positive");
      }
      this.layerCount = layerCount;
      alias = new int[layerCount];
      Arrays.setAll(alias, i -> i);
    }

    private int checkLayer(int layer) {
      if (layer < 0 || layer >= layerCount) {
        throw new IllegalArgumentException(
            "layer " + layer + " is outside the model's " + layerCount + " layers");
      }
      return layer;
    }

    /** Adds the next group; its id is the number of groups before it. */
    public Builder group(
        int[] layers, int kvHeads, FrameLayout frame, int window, String contentId) {
      return group(new LayerGroup(groups.size(), layers, kvHeads, frame, window, contentId));
    }

    public Builder group(LayerGroup group) {
      if (group.id() != groups.size()) {
        throw new IllegalArgumentException(
            "layer group id=" + group.id() + " was added as number " + groups.size());
      }
      groups.add(group);
      return this;
    }

    /** {@code layer} keeps no KV and reads that of {@code ownerLayer}. */
    public Builder alias(int layer, int ownerLayer) {
      alias[checkLayer(layer)] = checkLayer(ownerLayer);
      return this;
    }

    public Builder state(int layer, String id, int floats) {
      return state(new StateSpec(layer, id, floats));
    }

    public Builder state(StateSpec spec) {
      states.add(spec);
      return this;
    }

    public Builder positionAxes(int axes) {
      if (axes < 1 || axes > 4) {
        throw new IllegalArgumentException("positionAxes=" + axes + " must be 1 to 4");
      }
      positionAxes = axes;
      return this;
    }

    public CacheLayout build() {
      return new CacheLayout(this);
    }
  }
}
