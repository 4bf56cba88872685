package io.kvasir.chaos;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Locale;

/**
 * What came of a scenario.
 *
 * @param evidence sentences with values, in the order in which they were seen
 * @param failure what did not hold, or null
 */
public record Verdict(
    String scenario, String shows, List<String> evidence, Throwable failure, long durationNs) {
  public Verdict {
    evidence = List.copyOf(evidence);
  }

  /** Whether everything held. */
  public boolean held() {
    return failure == null;
  }

  /** A heading and a line for each piece of evidence. */
  @Override
  public String toString() {
    StringWriter text = new StringWriter();
    PrintWriter out = new PrintWriter(text);
    out.printf(
        Locale.ROOT,
        "%s %s in %.1f s: %s%n",
        scenario,
        held() ? "held" : "BROKE",
        durationNs / 1e9,
        shows);
    evidence.forEach(line -> out.println("  " + line));
    if (failure != null) {
      failure.printStackTrace(out);
    }
    return text.toString().stripTrailing();
  }
}
