package io.kvasir.actors.gateway;

import org.apache.pekko.event.LoggingAdapter;
import org.apache.pekko.http.ParsingErrorHandler;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.scaladsl.model.ErrorInfo;
import org.apache.pekko.http.scaladsl.model.StatusCode;
import org.apache.pekko.http.scaladsl.settings.ServerSettings;

/**
 * Answers what is no HTTP request (a broken head, two lengths, a head beyond its limits) like every
 * other refusal. Pekko HTTP makes one for each connection, by name.
 */
public final class MalformedRequests extends ParsingErrorHandler {
  @Override
  public HttpResponse handle(
      StatusCode status, ErrorInfo error, LoggingAdapter log, ServerSettings settings) {
    // Its details quote the request, headers and all; the summary does not.
    log.debug("malformed request: {}", error.summary());
    ApiException refused =
        ApiException.refused(
            status.intValue(),
            null,
            "malformed_request",
            "the request is malformed (%s), send HTTP/1.1 with a head within the limits of pekko.http.server.parsing"
                .formatted(sentence(error.summary())));
    return HttpResponse.create()
        .withStatus(status.intValue())
        .addHeader(RawHeader.create(RequestIds.HEADER, RequestIds.fresh()))
        .withEntity(ContentTypes.APPLICATION_JSON, Json.write(refused.body()));
  }

  private static String sentence(String summary) {
    String plain = summary.strip();
    return plain.endsWith(".") ? plain.substring(0, plain.length() - 1) : plain;
  }
}
