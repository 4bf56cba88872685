package io.kvasir.actors.schedule;

import io.kvasir.actors.schedule.GenerationMessage.Embed;
import io.kvasir.actors.schedule.GenerationMessage.Part;
import io.kvasir.actors.schedule.GenerationMessage.Start;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import scala.util.Try;

/**
 * Orders cut to what one remote message may carry. A prompt of 128k tokens is half a megabyte, a
 * frame a quarter; and a long message would hold up the short ones behind it. Thread-safe.
 */
final class Slices {
  /** Bytes of one slice. */
  static final int PART_BYTES = 48 * 1024;

  /** Slices of one message: 12 MiB, more than the largest body that a gateway takes by default. */
  static final int MAX_PARTS = 256;

  /** Fields other than tokens and texts, generously. */
  private static final int REST_BYTES = 2048;

  private static final int TOKEN_BYTES = 5;
  private static final int CHAR_BYTES = 4;

  /** Of a holder beside its bits, and of a group's bits beside their words. */
  private static final int HOLDER_BYTES = 96;

  private static final int GROUP_BYTES = 8;
  private static final int WORD_BYTES = 9;

  private final Serialization serialization;

  Slices(ActorSystem<?> system) {
    serialization = SerializationExtension.get(system.classicSystem());
  }

  /** Sends an order, in slices where it is long and leaves this process. */
  void tell(ActorRef<GenerationMessage> node, Start start) {
    if (node.path().address().hasLocalScope() || estimate(start) <= PART_BYTES) {
      node.tell(start);
    } else {
      cut(start, start.requestId(), start.attempt(), start.leaseMs(), false).forEach(node::tell);
    }
  }

  /** The same for an input to be embedded. */
  void tell(ActorRef<GenerationMessage> node, Embed embed) {
    if (node.path().address().hasLocalScope()
        || REST_BYTES + TOKEN_BYTES * embed.input().length <= PART_BYTES) {
      node.tell(embed);
    } else {
      cut(embed, embed.requestId(), embed.attempt(), embed.leaseMs(), true).forEach(node::tell);
    }
  }

  static long estimate(Start start) {
    long tokens = start.prompt().length;
    for (WireResume resume : start.resume()) {
      tokens += 8 + resume.tokens().length;
    }
    WireSampling s = start.sampling();
    tokens += s.stopIds().size() + 2L * s.logitBias().size();
    long chars = 0;
    for (String stop : s.stopStrings()) {
      chars += stop.length();
    }
    if (start.grammar() != null) {
      for (String text : start.grammar().texts()) {
        chars += 2 + text.length();
      }
    }
    long bits = 0;
    if (start.holders() != null) {
      for (WireHolder holder : start.holders()) {
        bits += HOLDER_BYTES;
        for (long[] group : holder.blocks()) {
          bits += GROUP_BYTES + (long) WORD_BYTES * group.length;
        }
      }
    }
    return REST_BYTES + TOKEN_BYTES * tokens + CHAR_BYTES * chars + bits;
  }

  private List<Part> cut(
      GenerationMessage whole, long requestId, int attempt, int leaseMs, boolean embeds) {
    byte[] bytes = serialization.serialize(whole).get();
    int count = (bytes.length + PART_BYTES - 1) / PART_BYTES;
    List<Part> parts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int from = i * PART_BYTES;
      byte[] slice = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + PART_BYTES));
      parts.add(new Part(requestId, attempt, i, count, leaseMs, embeds, slice));
    }
    return parts;
  }

  /** A message in the making. One thread. */
  final class Assembly {
    final int attempt;
    final long leaseUntilNs;
    private final int count;
    private final boolean embeds;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private int next;

    Assembly(Part first, long nowNs) {
      this.attempt = first.attempt();
      this.count = first.count();
      this.embeds = first.embeds();
      this.leaseUntilNs = nowNs + first.leaseMs() * 1_000_000L;
    }

    /** Whether the slice fits; slices that do not are the end of the assembly. */
    boolean add(Part part) {
      boolean fits =
          part.index() == next
              && part.count() == count
              && part.attempt() == attempt
              && part.embeds() == embeds
              && count <= MAX_PARTS
              && part.bytes() != null
              && part.bytes().length <= PART_BYTES;
      if (fits) {
        bytes.writeBytes(part.bytes());
        next++;
      }
      return fits;
    }

    boolean whole() {
      return next == count;
    }

    /**
     * The message.
     *
     * @throws IllegalArgumentException when its bytes are none
     */
    GenerationMessage message() {
      Class<? extends GenerationMessage> type = embeds ? Embed.class : Start.class;
      Try<? extends GenerationMessage> read = serialization.deserialize(bytes.toByteArray(), type);
      if (read.isFailure()) {
        // What the parser throws is checked, though nobody declares it.
        Throwable cause = read.failed().get();
        throw new IllegalArgumentException(
            "%d bytes are no %s".formatted(bytes.size(), type.getSimpleName()), cause);
      }
      return read.get();
    }
  }
}
