package io.kvasir.actors.gateway;

import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.GatewaySettings;
import java.nio.charset.StandardCharsets;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.headers.CacheControl;
import org.apache.pekko.http.javadsl.model.headers.CacheDirectives;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/**
 * Server-sent events: {@code data: {…}} per delta, then {@code data: [DONE]}. A comment goes out
 * when nothing flows; a reader that takes nothing within the write deadline is cut off. Stateless.
 */
final class EventStream {
  private static final ByteString KEEP_ALIVE =
      ByteString.fromArray(": keep-alive\n\n".getBytes(StandardCharsets.US_ASCII));

  private final GatewaySettings settings;
  private final NodeMetrics metrics;

  EventStream(GatewaySettings settings, NodeMetrics metrics) {
    this.settings = settings;
    this.metrics = metrics;
  }

  HttpResponse respond(
      Source<AnswerPart, ?> parts,
      StreamedAnswer answer,
      ClientConnection connection,
      RequestScope scope) {
    Source<ByteString, NotUsed> events =
        parts
            .mapMaterializedValue(ignored -> NotUsed.getInstance())
            .mapConcat(answer::events)
            .prepend(Source.from(answer.opening()));
    Source<ByteString, NotUsed> framed =
        events
            .keepAlive(settings.keepAliveInterval(), () -> KEEP_ALIVE)
            .via(new WriteDeadline(settings.writeTimeout()))
            .watchTermination(
                (ignored, end) -> {
                  end.whenComplete(
                      (done, failure) -> {
                        connection.answerEnded();
                        if (failure == null) {
                          scope.end();
                        } else {
                          metrics.aborted(cause(failure));
                          scope.abandoned(cause(failure));
                        }
                      });
                  return NotUsed.getInstance();
                });
    return HttpResponse.create()
        .addHeader(CacheControl.create(CacheDirectives.NO_CACHE))
        .withEntity(HttpEntities.create(MediaTypes.TEXT_EVENT_STREAM.toContentType(), framed));
  }

  private static String cause(Throwable failure) {
    return failure instanceof WriteDeadline.SlowReaderException ? "slow_reader" : "connection";
  }
}
