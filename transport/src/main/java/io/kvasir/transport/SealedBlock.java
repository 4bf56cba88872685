package io.kvasir.transport;

import java.util.Objects;

/**
 * An immutable block in a registered region, with the checksums made when it was sealed. Layers are
 * of equal length, one behind the other from the slot's first byte.
 *
 * @param key the block's key
 * @param ref where it lies; the owner renews the slot's generation before it reuses the slot
 * @param lengthBytes whole block; a multiple of the layer count
 * @param encoding opaque code of the byte encoding, 32 bits
 * @param layerChecksums CRC32C of each layer; owned by the block, never written again
 */
public record SealedBlock(
    BlockKey key, BlockRef ref, int lengthBytes, int encoding, int[] layerChecksums) {
  public SealedBlock {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(ref, "ref");
    int layers = layerChecksums.length;
    if (layers < 1 || layers > LayerRange.MAX_LAYERS) {
      throw new IllegalArgumentException(
          "layerCount=" + layers + " is outside 1.." + LayerRange.MAX_LAYERS);
    }
    if (lengthBytes < 1 || lengthBytes % layers != 0) {
      throw new IllegalArgumentException(
          "lengthBytes="
              + lengthBytes
              + " is not a positive multiple of layerCount="
              + layers
              + "; pad the layers to equal length");
    }
  }

  /**
   * Seals what lies in a slot now: computes one checksum a layer.
   *
   * @throws IllegalArgumentException if the length is no multiple of the layer count or exceeds the
   *     slot
   */
  public static SealedBlock seal(
      BlockKey key, Region region, int slot, int lengthBytes, int layerCount, int encoding) {
    if (lengthBytes > region.slotBytes()) {
      throw new IllegalArgumentException(
          "lengthBytes=" + lengthBytes + " > slotBytes=" + region.slotBytes());
    }
    if (layerCount < 1 || lengthBytes % layerCount != 0) {
      throw new IllegalArgumentException(
          "lengthBytes=" + lengthBytes + " is no multiple of layerCount=" + layerCount);
    }
    int generation = region.generation(slot);
    int[] checksums = Checksums.ofLayers(region.slotView(slot), lengthBytes, layerCount);
    return new SealedBlock(
        key, new BlockRef(region.id(), slot, generation), lengthBytes, encoding, checksums);
  }

  /** Layers in the block. */
  public int layerCount() {
    return layerChecksums.length;
  }

  /** Bytes of one layer. */
  public int layerBytes() {
    return lengthBytes / layerChecksums.length;
  }
}
