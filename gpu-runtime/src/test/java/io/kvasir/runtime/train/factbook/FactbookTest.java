package io.kvasir.runtime.train.factbook;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FactbookTest {
  private static final FactbookVocabulary WORDS = FactbookVocabulary.get();

  @Test
  void shouldWriteTheSameDocumentsForTheSameSeed() {
    Factbook one = new Factbook(7, Factbook.Names.TRAINING);
    Factbook two = new Factbook(7, Factbook.Names.TRAINING);
    Factbook other = new Factbook(8, Factbook.Names.TRAINING);

    for (int i = 0; i < 20; i++) {
      String text = one.document(40, 200, 5).text();
      assertEquals(text, two.document(40, 200, 5).text());
      assertNotEquals(text, other.document(40, 200, 5).text());
    }
  }

  @Test
  void shouldKeepTrainingAndHeldOutNamesApart() {
    Set<Integer> trained = names(new Factbook(1, Factbook.Names.TRAINING), 400);
    Set<Integer> heldOut = names(new Factbook(1, Factbook.Names.HELD_OUT), 400);

    assertTrue(trained.stream().noneMatch(heldOut::contains));
    int pairs = WORDS.firstNameCount() * WORDS.lastNameCount();
    long held =
        IntStream.range(0, pairs)
            .filter(
                pair ->
                    Factbook.isHeldOut(pair / WORDS.lastNameCount(), pair % WORDS.lastNameCount()))
            .count();
    assertTrue(held > pairs / 12 && held < pairs / 8, held + " of " + pairs);
    assertTrue(heldOut.size() > held * 0.9, "held-out names are hardly used");
  }

  @Test
  void shouldJoinChunksToTheWholeDocument() {
    FactbookDocument document =
        new Factbook(3, Factbook.Names.TRAINING, new Factbook.Chunking(2, 4)).document(50, 500, 6);

    int[] joined = document.chunkTokens().stream().flatMapToInt(IntStream::of).toArray();

    assertArrayEquals(document.tokens(), joined);
    assertEquals(document.chunkCount(), document.chunkTexts().size());
    assertEquals(document.text(), String.join("\n\n", document.chunkTexts()));
  }

  @Test
  void shouldWriteFactsAndQuestionsAsEnglish() {
    Fact fact = new Fact(0, 0, 0, 0, true, 0, false);

    assertEquals("Amber Falcon carries salt.", fact.text());
    assertEquals("What does Amber Falcon carry?", fact.questionText());
    assertEquals("salt", fact.answer());
    assertEquals("It visits Lisbon.", new Fact(0, 0, 1, 1, false, 0, false).text());
  }

  @Test
  void shouldCallAFactCrossOnlyWhenItsShipIsNamedInAnEarlierChunk() {
    FactbookDocument document =
        new Factbook(5, Factbook.Names.HELD_OUT, new Factbook.Chunking(1, 3)).document(60, 500, 6);
    int crossCount = 0;
    int namedChunk = -1;
    for (Fact fact : document.facts()) {
      namedChunk = fact.named() ? fact.chunkIndex() : namedChunk;
      assertEquals(namedChunk < fact.chunkIndex(), fact.crossChunk());
      crossCount += fact.crossChunk() ? 1 : 0;
    }
    assertTrue(crossCount > 5);
  }

  @Test
  void shouldNeverTellTwoValuesForOneShipAndRelation() {
    Factbook factbook = new Factbook(9, Factbook.Names.TRAINING);
    for (int i = 0; i < 50; i++) {
      Set<List<Integer>> told = new HashSet<>();
      for (Fact fact : factbook.document(200, 505, 6).facts()) {
        assertTrue(told.add(List.of(fact.firstName(), fact.lastName(), fact.relation())));
      }
    }
  }

  @Test
  void shouldSpreadEvaluationQuestionsOverDepthAndNumberOfFacts() {
    List<FactbookQuestion> questions = FactbookQuestion.evaluationSet(1000);

    assertEquals(1000, questions.size());
    int[] depths = new int[4];
    int[] sizes = new int[4];
    int cross = 0;
    int longest = 0;
    for (FactbookQuestion question : questions) {
      int length = question.promptTokens().length;
      longest = Math.max(longest, length);
      depths[Math.min(3, (int) (4 * question.depth()))]++;
      sizes[Math.min(3, question.document().facts().size() / 29)]++;
      cross += question.crossChunk() ? 1 : 0;
      Fact fact = question.fact();
      assertTrue(Factbook.isHeldOut(fact.firstName(), fact.lastName()));
    }
    assertTrue(longest > 480 && longest <= 512, "longest prompt " + longest);
    for (int i = 0; i < 4; i++) {
      assertTrue(depths[i] > 190 && depths[i] < 310, "depth quarter " + i + ": " + depths[i]);
      assertTrue(sizes[i] > 190 && sizes[i] < 310, "size quarter " + i + ": " + sizes[i]);
    }
    assertTrue(cross >= 100, "cross-chunk questions " + cross);
    assertEquals(questions, FactbookQuestion.evaluationSet(1000));
  }

  @Test
  void shouldRefuseLimitsThatHoldNoFact() {
    Factbook factbook = new Factbook(1, Factbook.Names.TRAINING);

    assertThrows(IllegalArgumentException.class, () -> factbook.document(1, 4, 1));
    assertThrows(IllegalArgumentException.class, () -> new Factbook.Chunking(4, 3));
    assertThrows(
        IllegalArgumentException.class,
        () -> FactbookQuestion.evaluationSet(1, 10, 12, Factbook.Chunking.DEFAULT));
  }

  @Test
  void shouldGiveEveryWordOneToken() {
    for (int id = 0; id < WORDS.size(); id++) {
      assertEquals(id, WORDS.id(WORDS.word(id)));
    }
    assertEquals(FactbookVocabulary.UNKNOWN, WORDS.id("zeppelin"));
    assertFalse(WORDS.words().contains(""));
  }

  private static Set<Integer> names(Factbook factbook, int documentCount) {
    Set<Integer> names = new HashSet<>();
    for (int i = 0; i < documentCount; i++) {
      for (Fact fact : factbook.document(100, 400, 4).facts()) {
        names.add(fact.firstName() * WORDS.lastNameCount() + fact.lastName());
      }
    }
    return names;
  }
}
