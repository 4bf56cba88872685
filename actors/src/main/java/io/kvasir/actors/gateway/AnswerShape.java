package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.OpenAiDocuments.ChatChoice;
import io.kvasir.actors.gateway.OpenAiDocuments.ChatChunk;
import io.kvasir.actors.gateway.OpenAiDocuments.ChatCompletion;
import io.kvasir.actors.gateway.OpenAiDocuments.ChunkChoice;
import io.kvasir.actors.gateway.OpenAiDocuments.Delta;
import io.kvasir.actors.gateway.OpenAiDocuments.Explanation;
import io.kvasir.actors.gateway.OpenAiDocuments.Message;
import io.kvasir.actors.gateway.OpenAiDocuments.PromptLogprob;
import io.kvasir.actors.gateway.OpenAiDocuments.TextChoice;
import io.kvasir.actors.gateway.OpenAiDocuments.TextCompletion;
import io.kvasir.actors.gateway.OpenAiDocuments.UsageDocument;
import io.kvasir.runtime.engine.FinishReason;
import java.util.List;
import java.util.Map;

/** How one endpoint writes an answer. Immutable; one per request. */
sealed interface AnswerShape {
  /**
   * A choice of a whole answer.
   *
   * @param promptLogprobs null = not asked for
   */
  record Choice(
      int index,
      String text,
      List<TokenReport> reports,
      FinishReason reason,
      List<Map<String, PromptLogprob>> promptLogprobs) {}

  /** The event before any text of a choice, or null. */
  Object opening(int choice, Object usage);

  /** The event of some text. */
  Object delta(int choice, String text, List<TokenReport> reports, Object usage);

  /** The event that says why a choice ended. */
  Object closing(AnswerPart.End end, Object usage);

  /**
   * The event that carries no text.
   *
   * @param usage the accounting; null = not asked for
   * @param explanation null = not asked for
   */
  Object usage(Object usage, Explanation explanation);

  /**
   * The whole answer.
   *
   * @param explanation null = not asked for
   */
  Object whole(List<Choice> choices, UsageDocument usage, Explanation explanation);

  /** /v1/chat/completions. */
  record Chat(AnswerHead head, LogprobDocuments logprobs) implements AnswerShape {
    @Override
    public Object opening(int choice, Object usage) {
      return chunk(new ChunkChoice(choice, new Delta("assistant", ""), null, null), usage);
    }

    @Override
    public Object delta(int choice, String text, List<TokenReport> reports, Object usage) {
      return chunk(
          new ChunkChoice(choice, new Delta(null, text), logprobs.chat(reports), null), usage);
    }

    @Override
    public Object closing(AnswerPart.End end, Object usage) {
      return chunk(
          new ChunkChoice(
              end.choice(),
              new Delta(null, null),
              null,
              OpenAiDocuments.finishReason(end.reason())),
          usage);
    }

    @Override
    public Object usage(Object usage, Explanation explanation) {
      return chunk(null, usage, explanation);
    }

    @Override
    public Object whole(List<Choice> choices, UsageDocument usage, Explanation explanation) {
      return new ChatCompletion(
          head.id(),
          "chat.completion",
          head.created(),
          head.model(),
          head.fingerprint(),
          head.serviceTier(),
          choices.stream().map(this::choice).toList(),
          usage,
          choices.getFirst().promptLogprobs(),
          explanation);
    }

    private ChatChoice choice(Choice choice) {
      return new ChatChoice(
          choice.index(),
          new Message("assistant", choice.text(), null),
          logprobs.chat(choice.reports()),
          OpenAiDocuments.finishReason(choice.reason()));
    }

    private ChatChunk chunk(ChunkChoice choice, Object usage) {
      return chunk(choice, usage, null);
    }

    private ChatChunk chunk(ChunkChoice choice, Object usage, Explanation explanation) {
      return new ChatChunk(
          head.id(),
          "chat.completion.chunk",
          head.created(),
          head.model(),
          head.fingerprint(),
          head.serviceTier(),
          choice == null ? List.of() : List.of(choice),
          usage,
          explanation);
    }
  }

  /** /v1/completions. */
  record Text(AnswerHead head, LogprobDocuments logprobs) implements AnswerShape {
    @Override
    public Object opening(int choice, Object usage) {
      return null;
    }

    @Override
    public Object delta(int choice, String text, List<TokenReport> reports, Object usage) {
      return document(
          List.of(new TextChoice(choice, text, logprobs.completion(reports), null, null)), usage);
    }

    @Override
    public Object closing(AnswerPart.End end, Object usage) {
      String reason = OpenAiDocuments.finishReason(end.reason());
      return document(List.of(new TextChoice(end.choice(), "", null, reason, null)), usage);
    }

    @Override
    public Object usage(Object usage, Explanation explanation) {
      return document(List.of(), usage, explanation);
    }

    @Override
    public Object whole(List<Choice> choices, UsageDocument usage, Explanation explanation) {
      return document(choices.stream().map(this::choice).toList(), usage, explanation);
    }

    private TextChoice choice(Choice choice) {
      return new TextChoice(
          choice.index(),
          choice.text(),
          logprobs.completion(choice.reports()),
          OpenAiDocuments.finishReason(choice.reason()),
          choice.promptLogprobs());
    }

    private TextCompletion document(List<TextChoice> choices, Object usage) {
      return document(choices, usage, null);
    }

    private TextCompletion document(
        List<TextChoice> choices, Object usage, Explanation explanation) {
      return new TextCompletion(
          head.id(),
          "text_completion",
          head.created(),
          head.model(),
          head.fingerprint(),
          choices,
          usage,
          explanation);
    }
  }
}
