package io.kvasir.node;

import io.kvasir.runtime.train.FactbookTrainer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kvasir train}: makes the models that ship with Kvasir. Needs libtorch. */
@Command(
    name = "train",
    description = "Train an embedded model again from its recipe.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = TrainCommand.OfFactbook.class)
final class TrainCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name a sub-command: factbook.");
  }

  /** {@code kvasir train factbook}. */
  @Command(
      name = "factbook",
      description = "Train the demonstration model on generated documents about ships.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class OfFactbook implements Callable<Integer> {
    @Option(
        names = "--out",
        paramLabel = "DIR",
        required = true,
        description = "Folder for checkpoint and log.")
    private String out;

    @Option(names = "--minutes", paramLabel = "N", description = "Time limit; 0 = none (default).")
    private Integer minutes;

    @Option(names = "--seed", paramLabel = "N", description = "Decides weights and documents.")
    private Long seed;

    @Option(names = "--tokens", paramLabel = "N", description = "Training tokens.")
    private Long tokens;

    @Override
    public Integer call() throws Exception {
      List<String> arguments = new ArrayList<>(List.of("--out", out));
      add(arguments, "--minutes", minutes);
      add(arguments, "--seed", seed);
      add(arguments, "--tokens", tokens);
      try {
        FactbookTrainer.main(arguments.toArray(String[]::new));
      } catch (LinkageError missing) {
        throw new IllegalStateException(
            "libtorch is not on the class path or has no natives for this platform, start with"
                + " cluster-config/bin/kvasir on Linux x86-64",
            missing);
      }
      return 0;
    }

    private static void add(List<String> arguments, String name, Object value) {
      if (value != null) {
        arguments.add(name);
        arguments.add(value.toString());
      }
    }
  }
}
