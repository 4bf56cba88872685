package io.kvasir.actors.schedule;

import io.kvasir.actors.gpu.Directions;
import io.kvasir.actors.gpu.Embedding;
import io.kvasir.actors.gpu.EmbeddingOrder;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.Pooling;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Orders between their wire and their device form. Stateless. */
final class WireOrders {
  private WireOrders() {}

  /**
   * What a device is asked.
   *
   * @throws IllegalArgumentException with one sentence when it cannot be read
   */
  static GenerationOrder of(GenerationMessage.Start start) {
    if (start.prompt() == null || start.sampling() == null || start.tenant() == null) {
      throw new IllegalArgumentException("prompt, sampling or tenant is missing");
    }
    return new GenerationOrder(
        start.tenant(),
        start.prompt(),
        start.sampling().parameters(),
        Duration.ofMillis(Math.max(1, start.timeoutMs())),
        start.grammar() == null ? null : start.grammar().spec(),
        start.resume().stream().map(WireResume::resumed).toList(),
        start.session(),
        start.explained(),
        directions(start.sources()),
        WireHolder.holdings(start.holders(), start.prompt().length));
  }

  /** Sources as they travel: null = all, which is what an older gateway means. */
  static List<String> sources(Directions directions) {
    return directions.sources().size() == Residence.values().length
        ? null
        : directions.sources().stream().sorted().map(Residence::name).toList();
  }

  /** A source that only a later version knows is none. */
  private static Directions directions(List<String> sources) {
    if (sources == null) {
      return Directions.NONE;
    }
    Set<Residence> known = EnumSet.noneOf(Residence.class);
    for (Residence each : Residence.values()) {
      if (sources.contains(each.name())) {
        known.add(each);
      }
    }
    return new Directions(null, known);
  }

  /**
   * The same for an input to be embedded.
   *
   * @throws IllegalArgumentException with one sentence when it cannot be read
   */
  static EmbeddingOrder of(GenerationMessage.Embed embed) {
    if (embed.input() == null || embed.pooling() == null || embed.tenant() == null) {
      throw new IllegalArgumentException("input, pooling or tenant is missing");
    }
    return new EmbeddingOrder(
        embed.tenant(),
        embed.input(),
        Pooling.valueOf(embed.pooling()),
        Duration.ofMillis(Math.max(1, embed.timeoutMs())));
  }

  /** An embedding's end as it travels. */
  static GenerationReply.Embedded embedded(long requestId, int attempt, Embedding.Result result) {
    byte[] vector = null;
    if (result.vector() != null) {
      ByteBuffer bytes =
          ByteBuffer.allocate(result.vector().length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(result.vector());
      vector = bytes.array();
    }
    return new GenerationReply.Embedded(
        requestId,
        attempt,
        result.reason(),
        vector,
        WireUsage.of(result.usage()),
        result.failure());
  }
}
