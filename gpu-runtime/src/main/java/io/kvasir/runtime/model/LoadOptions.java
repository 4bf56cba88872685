package io.kvasir.runtime.model;

import io.kvasir.runtime.device.PageEncoding;
import io.kvasir.runtime.device.WeightFormat;

/**
 * How a checkpoint becomes a model on a device.
 *
 * @param weights format of the linear layers; null keeps what the checkpoint stores
 * @param pages encoding of KV pages
 * @param slots tokens per page
 * @param keysRotated false stores raw keys that the page reader rotates
 * @param maxContextTokens longest sequence served; 0 takes the model's own. Chooses longrope's set
 *     of factors for every sequence, because crossing over would invalidate cached keys.
 * @param collective the group this rank belongs to; null loads the whole model
 */
public record LoadOptions(
    WeightFormat weights,
    PageEncoding pages,
    int slots,
    boolean keysRotated,
    int maxContextTokens,
    Collective collective) {
  public static final int DEFAULT_SLOTS = 32;

  /** Weights as stored, bf16 pages of 32 tokens, rotated keys, the model's own context. */
  public static LoadOptions defaults() {
    return new LoadOptions(null, PageEncoding.BF16, DEFAULT_SLOTS, true, 0, null);
  }

  public LoadOptions weights(WeightFormat value) {
    return new LoadOptions(value, pages, slots, keysRotated, maxContextTokens, collective);
  }

  public LoadOptions pages(PageEncoding value) {
    return new LoadOptions(weights, value, slots, keysRotated, maxContextTokens, collective);
  }

  public LoadOptions slots(int value) {
    return new LoadOptions(weights, pages, value, keysRotated, maxContextTokens, collective);
  }

  public LoadOptions keysRotated(boolean value) {
    return new LoadOptions(weights, pages, slots, value, maxContextTokens, collective);
  }

  public LoadOptions maxContextTokens(int value) {
    return new LoadOptions(weights, pages, slots, keysRotated, value, collective);
  }

  public LoadOptions collective(Collective value) {
    return new LoadOptions(weights, pages, slots, keysRotated, maxContextTokens, value);
  }
}
