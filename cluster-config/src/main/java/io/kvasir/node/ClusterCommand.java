package io.kvasir.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvasir.node.cluster.StatusClient;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kvasir cluster}: what a running cluster looks like. */
@Command(
    name = "cluster",
    description = "Look at a running cluster.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = ClusterCommand.Status.class)
final class ClusterCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name a sub-command: status.");
  }

  /** {@code kvasir cluster status}. */
  @Command(
      name = "status",
      description = "Members, roles, reachability, models and cached blocks, as one node sees them.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Status implements Callable<Integer> {
    @Option(
        names = "--url",
        paramLabel = "URL",
        description = "Admin address of any node (default: ${DEFAULT-VALUE}).",
        defaultValue = "http://127.0.0.1:8558")
    private URI url;

    @Option(names = "--json", description = "Print the document instead of a table.")
    private boolean json;

    @Spec private CommandSpec spec;

    @Override
    public Integer call() throws IOException, InterruptedException {
      PrintWriter out = spec.commandLine().getOut();
      JsonNode status = StatusClient.get(url);
      if (json) {
        out.println(status.toPrettyString());
      } else {
        StatusClient.table(status).forEach(out::println);
      }
      return 0;
    }
  }
}
