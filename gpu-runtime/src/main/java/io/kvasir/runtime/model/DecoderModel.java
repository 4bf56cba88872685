package io.kvasir.runtime.model;

import io.kvasir.runtime.cache.CacheLayout;
import io.kvasir.runtime.device.Device;
import io.kvasir.runtime.device.DeviceFloats;
import io.kvasir.runtime.device.PageMemory;
import io.kvasir.runtime.device.Weight;
import java.util.List;

/**
 * A loaded decoder on one device. Immutable; the device owns the memory behind it.
 *
 * @param revision identifies model and weights in block keys
 * @param embedding table of token embeddings, or the packed head when tied
 * @param head logits projection [vocabSize, hiddenSize]
 * @param rotaryDigest identifies the rotary table in block keys
 * @param maxContextTokens longest sequence its rotary table was chosen for
 * @param arena where its layers find the pages; bound when the cache is opened
 */
public record DecoderModel(
    String revision,
    Device device,
    CacheLayout cacheLayout,
    int vocabSize,
    int hiddenSize,
    float normEps,
    Widths widths,
    Weight embedding,
    List<DecoderLayer> layers,
    DeviceFloats finalNorm,
    Weight head,
    String rotaryDigest,
    int maxContextTokens,
    ArenaBinding arena) {
  public DecoderModel {
    layers = List.copyOf(layers);
  }

  /** Bytes of the packed linear layers and tables in device memory. */
  public long weightBytes() {
    long bytes = head.bytes() + (embedding == head ? 0 : embedding.bytes());
    for (DecoderLayer layer : layers) {
      bytes += layer.mixer().weightBytes() + layer.feedForward().weightBytes();
    }
    return bytes;
  }

  public int layerCount() {
    return layers.size();
  }

  /**
   * Values per row in the widest layer.
   *
   * @param query heads × headDim
   * @param keyValue kvHeads × headDim
   * @param intermediate feed-forward width
   */
  public record Widths(int query, int keyValue, int intermediate) {}

  /** The arena's memory, known only once the cache is open. */
  public static final class ArenaBinding {
    private PageMemory memory;

    /** Binds the arena; done once, before the first step. */
    public void bind(PageMemory value) {
      memory = value;
    }

    PageMemory memory() {
      return memory;
    }
  }
}
