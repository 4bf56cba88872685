package io.kvasir.node.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What every benchmark ends with: an environment line, a table, a JSON file and an exit code. For
 * one thread.
 */
public final class BenchReport {
  /** Exit code of {@code --strict} when a goal is missed or a judged row is invalid. */
  public static final int EXIT_GOAL_MISSED = 3;

  private static final ObjectMapper JSON = new ObjectMapper();
  private final String title;
  private final Map<String, String> environment;
  private final List<BenchRow> rows = new ArrayList<>();

  /**
   * @param environment see {@link BenchEnvironment}
   */
  public BenchReport(String title, Map<String, String> environment) {
    this.title = title;
    this.environment = environment;
  }

  public BenchReport add(BenchRow row) {
    rows.add(row);
    return this;
  }

  public List<BenchRow> rows() {
    return List.copyOf(rows);
  }

  /** 0, or {@link #EXIT_GOAL_MISSED} if {@code strict} and a goal is not met. */
  public int exitCode(boolean strict) {
    boolean missed =
        rows.stream().anyMatch(row -> row.goal() != null && !Boolean.TRUE.equals(row.met()));
    return strict && missed ? EXIT_GOAL_MISSED : 0;
  }

  /** Prints the table, columns aligned. */
  public void print(PrintStream out) {
    out.println(title);
    List<String> line = new ArrayList<>();
    environment.forEach((key, value) -> line.add(key + "=" + value));
    out.println(String.join(" | ", line));
    List<String[]> cells = new ArrayList<>();
    cells.add(
        new String[] {"row", "value", "unit", "baseline", "its value", "ratio", "goal", "met"});
    for (BenchRow row : rows) {
      cells.add(
          new String[] {
            row.name(),
            number(row.value()),
            row.unit(),
            text(row.baseline()),
            number(row.baselineValue()),
            number(row.ratio()),
            text(row.goal()),
            verdict(row)
          });
    }
    int[] widths = new int[cells.getFirst().length];
    for (String[] row : cells) {
      for (int c = 0; c < row.length; c++) {
        widths[c] = Math.max(widths[c], row[c].length());
      }
    }
    for (int r = 0; r < cells.size(); r++) {
      StringBuilder text = new StringBuilder();
      for (int c = 0; c < widths.length; c++) {
        boolean figure = c == 1 || c == 4 || c == 5;
        text.append(pad(cells.get(r)[c], widths[c], figure)).append("  ");
      }
      String note = r == 0 ? "" : rows.get(r - 1).note();
      out.println((text + note).stripTrailing());
    }
  }

  private static String verdict(BenchRow row) {
    if (row.met() != null) {
      return row.met() ? "yes" : "NO";
    }
    return row.goal() == null ? "-" : "invalid";
  }

  private static String pad(String text, int width, boolean right) {
    char[] space = new char[width - text.length()];
    Arrays.fill(space, ' ');
    return right ? new String(space) + text : text + new String(space);
  }

  private static String text(Object value) {
    return value == null ? "-" : value.toString();
  }

  /** Four significant digits, without an exponent. */
  static String number(Double value) {
    if (value == null || value.isNaN()) {
      return "-";
    }
    double size = Math.abs(value);
    String format =
        value == Math.rint(value) || size >= 1000
            ? "%.0f"
            : size >= 10 ? "%.1f" : size >= 0.1 ? "%.3f" : "%.5f";
    return String.format(Locale.ROOT, format, value);
  }

  /** Writes environment and rows in the form that all benchmarks share. */
  public void writeJson(Path file) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode surroundings = root.putObject("environment");
    environment.forEach(surroundings::put);
    for (BenchRow row : rows) {
      ObjectNode node = JSON.createObjectNode();
      node.put("name", row.name()).put("value", row.value()).put("unit", row.unit());
      node.put("baseline", row.baseline()).put("baselineValue", row.baselineValue());
      node.put("ratio", row.ratio());
      node.put("goal", row.goal() == null ? null : row.goal().toString());
      node.put("met", row.met()).put("note", row.note());
      root.withArray("/rows").add(node);
    }
    Files.writeString(file, root.toPrettyString() + "\n");
  }
}
