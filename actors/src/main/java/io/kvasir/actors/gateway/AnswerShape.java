package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.AnswerPart.End;
import io.kvasir.actors.gateway.OpenAiDocuments.ChatChoice;
import io.kvasir.actors.gateway.OpenAiDocuments.ChatChunk;
import io.kvasir.actors.gateway.OpenAiDocuments.ChatCompletion;
import io.kvasir.actors.gateway.OpenAiDocuments.ChunkChoice;
import io.kvasir.actors.gateway.OpenAiDocuments.Delta;
import io.kvasir.actors.gateway.OpenAiDocuments.Message;
import io.kvasir.actors.gateway.OpenAiDocuments.TextChoice;
import io.kvasir.actors.gateway.OpenAiDocuments.TextCompletion;
import java.util.List;

/** How one endpoint writes an answer. Immutable; one per request. */
sealed interface AnswerShape {
  /** The event before any text, or null. */
  Object opening();

  /** The event of some text. */
  Object delta(String text);

  /** The event that says why it ended. */
  Object closing(End end);

  /** The event that carries the accounting only. */
  Object usage(End end);

  /** The whole answer. */
  Object whole(String text, End end);

  /** /v1/chat/completions. */
  record Chat(String id, long created, String model) implements AnswerShape {
    @Override
    public Object opening() {
      return chunk(new Delta("assistant", ""), null);
    }

    @Override
    public Object delta(String text) {
      return chunk(new Delta(null, text), null);
    }

    @Override
    public Object closing(End end) {
      return chunk(new Delta(null, null), OpenAiDocuments.finishReason(end.reason()));
    }

    @Override
    public Object usage(End end) {
      return new ChatChunk(
          id, "chat.completion.chunk", created, model, List.of(), OpenAiDocuments.usage(end));
    }

    @Override
    public Object whole(String text, End end) {
      return new ChatCompletion(
          id,
          "chat.completion",
          created,
          model,
          List.of(
              new ChatChoice(
                  0,
                  new Message("assistant", text, null),
                  null,
                  OpenAiDocuments.finishReason(end.reason()))),
          OpenAiDocuments.usage(end));
    }

    private ChatChunk chunk(Delta delta, String finishReason) {
      return new ChatChunk(
          id,
          "chat.completion.chunk",
          created,
          model,
          List.of(new ChunkChoice(0, delta, null, finishReason)),
          null);
    }
  }

  /** /v1/completions. */
  record Text(String id, long created, String model) implements AnswerShape {
    @Override
    public Object opening() {
      return null;
    }

    @Override
    public Object delta(String text) {
      return document(List.of(new TextChoice(0, text, null, null)), null);
    }

    @Override
    public Object closing(End end) {
      return document(
          List.of(new TextChoice(0, "", null, OpenAiDocuments.finishReason(end.reason()))), null);
    }

    @Override
    public Object usage(End end) {
      return document(List.of(), end);
    }

    @Override
    public Object whole(String text, End end) {
      return document(
          List.of(new TextChoice(0, text, null, OpenAiDocuments.finishReason(end.reason()))), end);
    }

    private TextCompletion document(List<TextChoice> choices, End end) {
      return new TextCompletion(
          id,
          "text_completion",
          created,
          model,
          choices,
          end == null ? null : OpenAiDocuments.usage(end));
    }
  }
}
