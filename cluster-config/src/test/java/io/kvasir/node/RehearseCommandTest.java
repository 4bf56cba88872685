package io.kvasir.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@code kvasir rehearse}: what is not run there starts slowly everywhere. */
final class RehearseCommandTest {
  @Test
  @Tag("slow")
  void shouldRunANodeAloneAndTwoThatLoadFromEachOther() {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] arguments = {"rehearse", "--warm-up", "100ms", "--requests", "12"};
    int code =
        KvasirCommand.execute(arguments, new PrintWriter(out, true), new PrintWriter(err, true));
    assertEquals(0, code, err.toString());
    assertTrue(
        out.toString()
            .matches("(?s).*asked the cluster 12 times, [1-9]\\d* tokens came from a peer\\R"),
        out.toString());
  }
}
