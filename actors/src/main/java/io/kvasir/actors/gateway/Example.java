package io.kvasir.actors.gateway;

import java.util.List;

/** A document with questions about it, offered by the page. */
public record Example(String title, String document, List<String> questions) {
  public Example {
    questions = List.copyOf(questions);
  }
}
