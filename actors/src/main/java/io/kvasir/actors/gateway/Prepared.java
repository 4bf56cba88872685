package io.kvasir.actors.gateway;

import io.kvasir.actors.gateway.OpenAiDocuments.PromptLogprob;
import io.kvasir.actors.gpu.Generation;
import io.kvasir.actors.gpu.GenerationOrder;
import io.kvasir.runtime.engine.SamplingParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A request ready to be ordered, with what its answer needs. Made on a worker thread.
 *
 * @param model that answers
 * @param orders one a prompt
 * @param echoes what the answers to each prompt begin with; null = nothing
 */
record Prepared(
    OpenAiRequest request,
    ServedModel model,
    List<GenerationOrder> orders,
    List<EchoedPrompt> echoes,
    ModelText text) {

  static Prepared of(
      OpenAiRequest request, ServedModel model, List<GenerationOrder> orders, ModelText text) {
    List<EchoedPrompt> echoes = null;
    if (request.report().echo()) {
      echoes = new ArrayList<>(orders.size());
      for (int i = 0; i < orders.size(); i++) {
        echoes.add(
            EchoedPrompt.of(
                request.prompts().get(i),
                orders.get(i).promptTokens(),
                text,
                request.report().logprobs()));
      }
    }
    return new Prepared(request, model, orders, echoes, text);
  }

  /** Of all prompts. */
  int promptTokens() {
    return orders.stream().mapToInt(order -> order.promptTokens().length).sum();
  }

  /** The most that all choices of all prompts may generate. */
  int maxTokens() {
    return orders.stream()
        .map(GenerationOrder::sampling)
        .mapToInt(sampling -> sampling.bestOf() * sampling.maxTokens())
        .sum();
  }

  /** The choices of all generations, in their order. */
  List<ChoiceAnswer> choices(List<Generation> generations) {
    List<ChoiceAnswer> choices = new ArrayList<>();
    Integer maxTokens = request.limits().maxTokens();
    boolean promptOnly = maxTokens != null && maxTokens == 0;
    for (int g = 0; g < generations.size(); g++) {
      SamplingParameters sampling = orders.get(g).sampling();
      // A chat message starts anew, a completion continues.
      int[] continued = request.isChat() ? new int[0] : orders.get(g).promptTokens();
      for (int choice = 0; choice < generations.get(g).choiceCount(); choice++) {
        choices.add(
            new ChoiceAnswer(
                choices.size(),
                generations.get(g),
                choice,
                new AnswerText(text.newDecoder(continued), sampling),
                echoes == null ? null : echoes.get(g),
                promptOnly));
      }
    }
    return choices;
  }

  /** Of each prompt, once its answers have come; null = not asked for. */
  List<List<Map<String, PromptLogprob>>> promptLogprobs(List<Generation> generations) {
    int topCount = request.report().promptLogprobs();
    if (topCount < 0) {
      return null;
    }
    LogprobDocuments documents = new LogprobDocuments(text);
    List<List<Map<String, PromptLogprob>>> all = new ArrayList<>(generations.size());
    for (int g = 0; g < generations.size(); g++) {
      all.add(
          documents.prompt(
              orders.get(g).promptTokens(), generations.get(g).promptLogprobs(), topCount));
    }
    return all;
  }
}
