package io.kvasir.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.node.cluster.StatusClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code kvasir calibrate}: what loading KV costs on a running node, measured now. */
@Command(
    name = "calibrate",
    description = "Measure what a node's loads from its host tier and its peers cost.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class CalibrateCommand implements Callable<Integer> {
  private static final List<String> HEAD =
      List.of("MODEL", "SOURCE", "NODE", "FIXED", "RATE", "LOADS", "USED");

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "Admin address of a node that computes (default: ${DEFAULT-VALUE}).",
      defaultValue = "http://127.0.0.1:8558")
  private URI url;

  @Option(names = "--json", description = "Print the document instead of a table.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    JsonNode measured = StatusClient.post(url, "/kvasir/calibrate");
    if (json) {
      out.println(measured.toPrettyString());
      return 0;
    }
    List<List<String>> rows = new ArrayList<>(List.of(HEAD));
    for (JsonNode model : measured.path("models")) {
      for (JsonNode source : model.path("sources")) {
        rows.add(row(model, source));
      }
    }
    StatusClient.columns(rows).forEach(out::println);
    for (JsonNode model : measured.path("models")) {
      out.printf(
          Locale.ROOT,
          "%s: reading off the device %.2f GB/s, computing %.0f tokens/s%n",
          model.path("model").asText(),
          model.path("deviceBytesPerSecond").asDouble() / 1e9,
          model.path("prefillTokensPerSecond").asDouble());
    }
    out.println("measured on " + measured.path("node").asText());
    return 0;
  }

  private static List<String> row(JsonNode model, JsonNode source) {
    long samples = source.path("samples").asLong();
    return List.of(
        model.path("model").asText(),
        source.path("source").asText(),
        source.path("node").asText(),
        String.format(Locale.ROOT, "%.2f ms", source.path("fixedMs").asDouble()),
        String.format(Locale.ROOT, "%.2f GB/s", source.path("bytesPerSecond").asDouble() / 1e9),
        samples == 0 ? "assumed" : Long.toString(samples),
        source.path("bypassed").asBoolean() ? "bypassed" : "yes");
  }
}
