package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.AnswerPart.End;
import io.kvasir.actors.observe.NodeMetrics;
import io.kvasir.actors.settings.GatewaySettings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
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
  private static final ByteString DONE = ByteString.fromString("data: [DONE]\n\n");
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
      AnswerShape shape,
      boolean includeUsage,
      ClientConnection connection,
      RequestScope scope) {
    Source<ByteString, NotUsed> events =
        parts
            .mapMaterializedValue(ignored -> NotUsed.getInstance())
            .mapConcat(part -> events(part, shape, includeUsage, scope));
    Object opening = shape.opening();
    if (opening != null) {
      events = events.prepend(Source.single(event(opening)));
    }
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

  private static Iterable<ByteString> events(
      AnswerPart part, AnswerShape shape, boolean includeUsage, RequestScope scope) {
    return switch (part) {
      case AnswerPart.Text text -> List.of(event(shape.delta(text.delta())));
      case End end -> closing(end, shape, includeUsage, scope);
    };
  }

  private static List<ByteString> closing(
      End end, AnswerShape shape, boolean includeUsage, RequestScope scope) {
    List<ByteString> events = new ArrayList<>(3);
    try {
      end.orThrow();
      events.add(event(shape.closing(end)));
      if (includeUsage) {
        events.add(event(shape.usage(end)));
      }
    } catch (ApiException failed) {
      // The status line is long gone: clients look for an error object in the stream.
      events.add(event(failed.body()));
      scope.failed(failed);
    }
    events.add(DONE);
    return events;
  }

  private static ByteString event(Object document) {
    return ByteString.fromArrayUnsafe(Json.writeEvent(document));
  }
}
