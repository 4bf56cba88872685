package io.kvasir.actors.gateway;

import com.fasterxml.jackson.databind.node.NullNode;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.util.ByteString;

/** The parts of one answer as server-sent events. One stream. */
final class StreamedAnswer {
  private static final ByteString DONE = ByteString.fromString("data: [DONE]\n\n");

  private final AnswerShape shape;
  private final OpenAiRequest.Delivery delivery;
  private final int promptTokens;
  private final RequestScope scope;
  private final ChunkTemplate[] templates;
  private final int[] tokenCounts;

  /**
   * @param choiceCount of all prompts together
   * @param promptTokens of all prompts together
   */
  StreamedAnswer(
      AnswerShape shape,
      OpenAiRequest.Delivery delivery,
      int choiceCount,
      int promptTokens,
      RequestScope scope) {
    this.shape = shape;
    this.delivery = delivery;
    this.promptTokens = promptTokens;
    this.scope = scope;
    this.templates = new ChunkTemplate[choiceCount];
    this.tokenCounts = new int[choiceCount];
  }

  /** What goes out before any part. */
  List<ByteString> opening() {
    List<ByteString> events = new ArrayList<>(templates.length);
    for (int choice = 0; choice < templates.length; choice++) {
      Object opening = shape.opening(choice, usage());
      if (opening != null) {
        events.add(event(opening));
      }
    }
    return events;
  }

  List<ByteString> events(AnswerPart part) {
    return switch (part) {
      case AnswerPart.Text text -> List.of(delta(text));
      case AnswerPart.End end -> List.of(event(shape.closing(end, usage())));
      case AnswerPart.Done done ->
          delivery.includeUsage() || done.explained()
              ? List.of(
                  event(
                      shape.usage(
                          delivery.includeUsage() ? OpenAiDocuments.usage(done) : null,
                          done.explanation())),
                  DONE)
              : List.of(DONE);
      case AnswerPart.Failed failed -> {
        // The status line is long gone: clients look for an error object in the stream.
        scope.failed(failed.error());
        yield List.of(event(failed.error().body()), DONE);
      }
    };
  }

  private ByteString delta(AnswerPart.Text text) {
    int choice = text.choice();
    tokenCounts[choice] = text.tokenCount();
    if (!text.reports().isEmpty() || delivery.continuousUsage()) {
      return event(shape.delta(choice, text.delta(), text.reports(), usage()));
    }
    if (templates[choice] == null) {
      templates[choice] = ChunkTemplate.of(shape, choice, usage());
    }
    return templates[choice].event(text.delta());
  }

  /** As OpenAI documents it: null in all events but the last, if that was asked for. */
  private Object usage() {
    if (delivery.continuousUsage()) {
      int completionTokens = 0;
      for (int count : tokenCounts) {
        completionTokens += count;
      }
      return new OpenAiDocuments.UsageSoFar(
          promptTokens, completionTokens, promptTokens + completionTokens);
    }
    return delivery.includeUsage() ? NullNode.getInstance() : null;
  }

  private static ByteString event(Object document) {
    return ByteString.fromArrayUnsafe(Json.writeEvent(document));
  }
}
