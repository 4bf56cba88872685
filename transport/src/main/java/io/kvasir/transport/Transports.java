package io.kvasir.transport;

import io.kvasir.transport.agent.NodeTransport;
import io.kvasir.transport.agent.RestingIdle;
import io.kvasir.transport.media.Medium;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemNanoClock;

/** Makes transports. */
public final class Transports {
  private Transports() {}

  /** When frames are sealed. Both sides of a connection must come to the same answer. */
  public enum Encryption {
    /** Where they leave the host; connecting there without keys is refused. */
    AUTO,
    /** Always; connecting without keys is refused. */
    ALWAYS,
    /** Never: for networks that are private by other means. */
    NEVER
  }

  /**
   * How a transport runs.
   *
   * @param encryption when frames are sealed
   * @param idle what the agent does without work; null = the caller drives {@link
   *     BlockTransport#doWork}
   * @param clock monotonic time
   * @param errors hears what source and sink throw and what the agent survives
   */
  public record Options(
      Encryption encryption,
      Supplier<IdleStrategy> idle,
      NanoClock clock,
      Consumer<Throwable> errors) {
    /** Own thread that backs off and then rests; errors are logged. */
    public static final Options DEFAULT =
        new Options(
            Encryption.AUTO, RestingIdle::new, SystemNanoClock.INSTANCE, NodeTransport::logError);

    public Options {
      Objects.requireNonNull(encryption, "encryption");
      Objects.requireNonNull(clock, "clock");
      Objects.requireNonNull(errors, "errors");
    }

    /** The same, driven by the caller. */
    public Options driven() {
      return new Options(encryption, null, clock, errors);
    }

    /** The same with another rule of encryption. */
    public Options with(Encryption other) {
      return new Options(other, idle, clock, errors);
    }

    /** The same with another idle strategy. */
    public Options with(Supplier<IdleStrategy> other) {
      return new Options(encryption, other, clock, errors);
    }
  }

  /**
   * Starts a transport, which owns the medium from here.
   *
   * @param medium made with the transport's counters
   * @param source what peers may pull
   * @param sink where pushes of peers go
   */
  public static BlockTransport start(
      TransportConfig config,
      Function<TransportCounters, Medium> medium,
      BlockSource source,
      BlockSink sink,
      Options options) {
    return NodeTransport.start(config, medium, source, sink, options);
  }
}
