package io.kvasir.actors.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ChunkTemplateTest {
  private static final AnswerHead HEAD = new AnswerHead("id", 1, "a \"model\"", "fp_1", null);
  private static final LogprobDocuments LOGPROBS = new LogprobDocuments(new ByteText());

  @Test
  void shouldWriteWhatTheDocumentWouldWhateverTheText() throws Exception {
    List<AnswerShape> shapes =
        List.of(new AnswerShape.Chat(HEAD, LOGPROBS), new AnswerShape.Text(HEAD, LOGPROBS));
    for (AnswerShape shape : shapes) {
      for (Object usage : new Object[] {null, NullNode.getInstance()}) {
        ChunkTemplate template = ChunkTemplate.of(shape, 2, usage);
        for (String text :
            List.of("a", "", "\"\\\n\t\r\b\f\u0001\u001f", "é€😀", "</script>\u2028")) {
          String whole = new String(Json.writeEvent(shape.delta(2, text, List.of(), usage)), UTF_8);
          // Compared as JSON: one of them escapes characters beyond the basic plane.
          String event = template.event(text).utf8String();
          assertEquals(json(whole), json(event));
          assertTrue(whole.startsWith("data: ") && event.endsWith("}\n\n"), event);
        }
      }
    }
  }

  @Test
  void shouldFindItsPlaceInAModelThatIsCalledLikeTheMark() {
    AnswerHead head = new AnswerHead("id", 1, "\u2063kvasir\u2063", "fp_1", null);
    ChunkTemplate template = ChunkTemplate.of(new AnswerShape.Chat(head, LOGPROBS), 0, null);
    String event = template.event("x").utf8String();
    assertEquals(1, event.split("\"content\":\"x\"", -1).length - 1, event);
  }

  private static JsonNode json(String event) throws Exception {
    return TestNode.json(event.substring("data: ".length()));
  }
}
