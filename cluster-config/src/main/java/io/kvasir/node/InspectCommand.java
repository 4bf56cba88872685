package io.kvasir.node;

import io.kvasir.runtime.checkpoint.CheckpointInspector;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kvasir inspect}: what a checkpoint is, and what would keep it from loading. */
@Command(
    name = "inspect",
    description =
        "Print family, shapes, bytes and KV bytes per token of a checkpoint, and problems.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
final class InspectCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "LOCATION",
      description = "Hugging Face folder, embedded:NAME, dummy:NAME or dummy:PATH/config.json.")
  private String location;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    CheckpointInspector.Report report = CheckpointInspector.inspect(location);
    spec.commandLine().getOut().print(report.text());
    spec.commandLine().getOut().flush();
    return report.loads() ? 0 : 1;
  }
}
