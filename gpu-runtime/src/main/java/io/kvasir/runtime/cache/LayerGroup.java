package io.kvasir.runtime.cache;

import io.kvasir.runtime.device.FrameLayout;

/**
 * Layers with one cache law and one slot map: the same frame, the same number of KV heads, the same
 * window, and therefore one page table per sequence.
 *
 * <p>A token page of the group is {@code [layer of the group][KV head][frame]}: {@link #pageBytes}
 * bytes for {@code frame.slots()} entries. A head page is one frame.
 *
 * @param id ordinal of the group in its layout
 * @param layers owner layers in page order
 * @param window 0: every entry stays visible; otherwise the number of latest tokens a row sees
 * @param contentId hash or name of whatever fixes the content (weights and mode of these layers);
 *     part of every block key
 */
public record LayerGroup(
    int id, int[] layers, int kvHeads, FrameLayout frame, int window, String contentId) {
  public LayerGroup {
    layers = layers.clone();
    if (id < 0) {
      throw new IllegalArgumentException("layer group id=" + id + " is negative, count from 0");
    }
    if (layers.length == 0) {
      throw new IllegalArgumentException("layer group " + id + " has no layers, name at least one");
    }
    if (kvHeads <= 0) {
      throw new IllegalArgumentException(
          "layer group " + id + " has kvHeads=" + kvHeads + ", at least 1 is needed");
    }
    if (window < 0) {
      throw new IllegalArgumentException(
          "layer group " + id + " has window=" + window + ", use 0 for full attention");
    }
    if (contentId == null) {
      throw new IllegalArgumentException(
          "layer group " + id + " has no contentId, which every block key needs");
    }
  }

  /** Owner layers in page order (a copy). */
  @Override
  public int[] layers() {
    return layers.clone();
  }

  public int layerCount() {
    return layers.length;
  }

  /** Owner layer at {@code ordinal} of the page. */
  public int layer(int ordinal) {
    return layers[ordinal];
  }

  /** Bytes of all heads of one layer in a token page. */
  public long layerBytes() {
    return kvHeads * frame.frameBytes();
  }

  /** Bytes of one token page. */
  public long pageBytes() {
    return layers.length * layerBytes();
  }

  /** Head pages that fill one token page exactly. */
  public int framesPerPage() {
    return layers.length * kvHeads;
  }
}
