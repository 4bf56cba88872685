package io.kvasir.node.bench.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.kvasir.actors.directory.DirectoryBench;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The child that measures memory: a JVM whose heap holds nothing else. Prints a line a figure for
 * {@link FigureProcess}; what libraries print goes to standard error.
 */
final class FigureWorker {
  private FigureWorker() {}

  /** Arguments: {@code sessions COUNT}, {@code directory ENTRIES} or {@code remote ENTRIES}. */
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    List<DirectoryBench.Figure> figures = new ArrayList<>();
    int count = Integer.parseInt(args[1]);
    switch (args[0]) {
      case "sessions" -> figures.add(SessionMemory.measure(count));
      case "directory" -> figures.addAll(DirectoryBench.table(count));
      case "remote" -> figures.addAll(DirectoryBench.remote(count, node()));
      default -> throw new IllegalArgumentException("nothing is measured for " + args[0]);
    }
    figures.forEach(figure -> out.println(line(figure)));
    // Actor systems keep threads that would keep the process.
    Runtime.getRuntime().halt(0);
  }

  private static Config node() {
    return ConfigFactory.load(
        ConfigFactory.parseResources(
            FigureWorker.class.getClassLoader(), "io/kvasir/node/cluster.conf"));
  }

  static String line(DirectoryBench.Figure figure) {
    return String.format(
        Locale.ROOT,
        "figure\t%s\t%s\t%s\t%s\t%s",
        figure.name(),
        figure.value(),
        figure.unit(),
        figure.goal(),
        figure.atLeast());
  }

  /** The figure of a line, or null for any other line. */
  static DirectoryBench.Figure parse(String line) {
    String[] words = line.split("\t");
    return words.length != 6 || !words[0].equals("figure")
        ? null
        : new DirectoryBench.Figure(
            words[1],
            Double.parseDouble(words[2]),
            words[3],
            Double.parseDouble(words[4]),
            Boolean.parseBoolean(words[5]));
  }
}
