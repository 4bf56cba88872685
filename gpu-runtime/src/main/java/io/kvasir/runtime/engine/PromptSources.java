package io.kvasir.runtime.engine;

import io.kvasir.runtime.blocks.LoadedSpan;
import io.kvasir.runtime.blocks.Residence;
import java.util.List;

/**
 * Where the final KV of the tokens of a prompt came from, in tokens (law 4). Each token counts
 * once.
 *
 * @param device found in the device's own cache
 * @param host loaded from this host's memory
 * @param disk loaded from a disk of this host
 * @param peer loaded from another node
 * @param remote loaded from a remote store
 * @param reused transformed by a method that reuses KV of other places
 * @param recomputed run through the model
 */
public record PromptSources(
    int device, int host, int disk, int peer, int remote, int reused, int recomputed) {
  public static final PromptSources NONE = new PromptSources(0, 0, 0, 0, 0, 0, 0);

  public PromptSources {
    if ((device | host | disk | peer | remote | reused | recomputed) < 0) {
      throw new IllegalArgumentException(
          "sources [device=%d, host=%d, disk=%d, peer=%d, remote=%d, reused=%d, recomputed=%d] must not be negative, count tokens"
              .formatted(device, host, disk, peer, remote, reused, recomputed));
    }
  }

  /** A prompt of which the first {@code hit} tokens were cached and the others computed. */
  public static PromptSources cached(int promptTokens, int hit) {
    return new PromptSources(hit, 0, 0, 0, 0, 0, promptTokens - hit);
  }

  /**
   * The same where some blocks were loaded before admission.
   *
   * @param loaded ascending, apart from each other; what lies behind {@code hit} loaded in vain
   */
  public static PromptSources loaded(int promptTokens, int hit, List<LoadedSpan> loaded) {
    int[] tokens = new int[Residence.values().length];
    int fromDevice = hit;
    for (LoadedSpan span : loaded) {
      int count = Math.max(0, Math.min(span.to(), hit) - span.from());
      tokens[span.residence().ordinal()] += count;
      fromDevice -= count;
    }
    return new PromptSources(
        fromDevice + tokens[Residence.DEVICE.ordinal()],
        tokens[Residence.HOST.ordinal()],
        tokens[Residence.DISK.ordinal()],
        tokens[Residence.PEER.ordinal()],
        tokens[Residence.REMOTE.ordinal()],
        0,
        promptTokens - hit);
  }

  /** Tokens of one residence. */
  public int of(Residence residence) {
    return switch (residence) {
      case DEVICE -> device;
      case HOST -> host;
      case DISK -> disk;
      case PEER -> peer;
      case REMOTE -> remote;
    };
  }

  /** All of them: the prompt. */
  public int total() {
    return device + host + disk + peer + remote + reused + recomputed;
  }

  public PromptSources plus(PromptSources other) {
    return new PromptSources(
        device + other.device,
        host + other.host,
        disk + other.disk,
        peer + other.peer,
        remote + other.remote,
        reused + other.reused,
        recomputed + other.recomputed);
  }
}
