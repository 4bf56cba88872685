package io.kvasir.node;

import com.typesafe.config.Config;
import io.kvasir.actors.gateway.Example;
import io.kvasir.actors.settings.KvasirSettings;
import io.kvasir.runtime.train.factbook.Fact;
import io.kvasir.runtime.train.factbook.Factbook;
import io.kvasir.runtime.train.factbook.FactbookDocument;
import java.util.ArrayList;
import java.util.List;

/** Example documents of the models in the jar, which training never saw; none for other models. */
final class BundledExamples {
  private static final String FACTBOOK = "embedded:factbook";
  private static final long SEED = 7;
  private static final int TOKEN_LIMIT = 480;
  private static final int FACTS_PER_SHIP = 5;
  private static final int QUESTIONS = 5;
  private static final int[] FACTS = {6, 18, 60};

  private BundledExamples() {}

  static List<Example> of(Config config) {
    if (KvasirSettings.from(config).models().stream().noneMatch(m -> m.model().equals(FACTBOOK))) {
      return List.of();
    }
    Factbook factbook = new Factbook(SEED, Factbook.Names.HELD_OUT);
    List<Example> examples = new ArrayList<>();
    for (int facts : FACTS) {
      examples.add(example(factbook.document(facts, TOKEN_LIMIT, FACTS_PER_SHIP)));
    }
    return examples;
  }

  private static Example example(FactbookDocument document) {
    List<Fact> facts = document.facts();
    List<String> questions = new ArrayList<>();
    // First those that need an "it" from an earlier paragraph, then some from all over.
    facts.stream().filter(Fact::crossChunk).limit(2).forEach(f -> questions.add(f.questionText()));
    for (int i = 0; questions.size() < QUESTIONS && i < QUESTIONS; i++) {
      String question = facts.get(i * (facts.size() - 1) / (QUESTIONS - 1)).questionText();
      if (!questions.contains(question)) {
        questions.add(question);
      }
    }
    String title =
        "%d facts in %d %s"
            .formatted(
                facts.size(),
                document.chunkCount(),
                document.chunkCount() == 1 ? "paragraph" : "paragraphs");
    return new Example(title, document.text(), questions);
  }
}
