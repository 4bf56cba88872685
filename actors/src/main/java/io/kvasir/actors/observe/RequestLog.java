package io.kvasir.actors.observe;

import io.kvasir.actors.gpu.Serving;
import io.kvasir.actors.tier.MissReason;
import io.kvasir.runtime.blocks.Residence;
import io.kvasir.runtime.engine.Usage;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * One line, and one Flight Recorder event, for each completion that is over: ids, counts, times,
 * outcome; nothing that a client or the model wrote. Used once, from any thread.
 */
public final class RequestLog {
  private static final Logger LOG = LoggerFactory.getLogger("io.kvasir.request");

  private final RequestEvent event = new RequestEvent();
  private final String requestId;

  /** Begins with a request's arrival. */
  public RequestLog(String requestId) {
    this.requestId = requestId;
    event.begin();
  }

  /**
   * The request is over.
   *
   * @param outcome stop, length, or the code of the error that ended it
   */
  public void end(String tenant, String model, String outcome, int status, RequestTimer request) {
    event.end();
    if (event.shouldCommit()) {
      event.requestId = requestId;
      event.tenant = tenant;
      event.model = model;
      event.outcome = outcome;
      event.promptTokens = request.promptTokens();
      event.cachedTokens = request.cachedTokens();
      event.generatedTokens = request.generatedTokens();
      event.commit();
    }
    if (!LOG.isInfoEnabled()) {
      return;
    }
    LoggingEventBuilder line =
        LOG.atInfo()
            .addKeyValue("request_id", requestId)
            .addKeyValue("tenant", tenant)
            .addKeyValue("model", model)
            .addKeyValue("outcome", outcome)
            .addKeyValue("status", status)
            .addKeyValue("prompt_tokens", request.promptTokens())
            .addKeyValue("cached_tokens", request.cachedTokens())
            .addKeyValue("generated_tokens", request.generatedTokens());
    Usage usage = request.usage();
    if (usage != null) {
      line = sources(line.addKeyValue("queued_ms", milliseconds(usage.queuedNs())), usage);
    }
    line = serving(line, request.serving());
    if (request.firstTokenNs() >= 0) {
      line = line.addKeyValue("first_token_ms", milliseconds(request.firstTokenNs()));
    }
    line.addKeyValue("total_ms", milliseconds(request.elapsedNs())).log("request");
  }

  /** Sources that gave something; the device's and the rest are told by the counts above. */
  private static LoggingEventBuilder sources(LoggingEventBuilder line, Usage usage) {
    for (Residence residence : Residence.values()) {
      int tokens = usage.sources().of(residence);
      if (residence != Residence.DEVICE && tokens > 0) {
        line = line.addKeyValue(residence.name().toLowerCase(Locale.ROOT) + "_tokens", tokens);
      }
    }
    return line;
  }

  private static LoggingEventBuilder serving(LoggingEventBuilder line, Serving serving) {
    if (!serving.node().isEmpty()) {
      line = line.addKeyValue("node", serving.node());
    }
    if (serving.attempts() > 1) {
      line =
          line.addKeyValue("attempts", serving.attempts())
              .addKeyValue("replayed_tokens", serving.replayedTokens());
    }
    for (Map.Entry<MissReason, Integer> miss : new TreeMap<>(serving.misses()).entrySet()) {
      line =
          line.addKeyValue(
              "miss_" + miss.getKey().name().toLowerCase(Locale.ROOT), miss.getValue());
    }
    return line;
  }

  private static double milliseconds(long ns) {
    return Math.round(ns / 1e3) / 1e3;
  }
}
