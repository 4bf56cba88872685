package io.kvasir.actors.gateway;

import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/** The id that connects a response with the node's log. Stateless. */
final class RequestIds {
  static final String HEADER = "x-request-id";
  // It goes into headers and logs: one plain word.
  private static final Pattern ACCEPTED = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  private RequestIds() {}

  /** The client's own when it is a plain word, otherwise a new one. */
  static String of(HttpRequest request) {
    return request
        .getHeader(HEADER)
        .map(HttpHeader::value)
        .filter(id -> ACCEPTED.matcher(id).matches())
        .orElseGet(RequestIds::fresh);
  }

  static String fresh() {
    return "req_" + UUID.randomUUID().toString().replace("-", "");
  }
}
