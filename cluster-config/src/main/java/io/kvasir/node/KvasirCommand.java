package io.kvasir.node;

import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code kvasir} command: parses, runs a sub-command, and turns failures into one sentence. */
@Command(
    name = "kvasir",
    description = "LLM serving in pure Java with an OpenAI-compatible API.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      ServeCommand.class,
      NodeCommand.class,
      ClusterCommand.class,
      CalibrateCommand.class,
      CertsCommand.class,
      DemoCommand.class,
      ChatCommand.class,
      InspectCommand.class,
      BenchCommand.class,
      RehearseCommand.class,
      TrainCommand.class,
      ConfigCommand.class,
      KeysCommand.class,
      CommandLine.HelpCommand.class
    })
public final class KvasirCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Name a sub-command.");
  }

  /** Exit codes: 0 done, 1 failed, 2 wrong usage or setting. */
  public static void main(String[] args) {
    int code = 1;
    try {
      code = execute(args, new PrintWriter(System.out, true), new PrintWriter(System.err, true));
    } catch (LinkageError brokenClassPath) {
      brokenClassPath.printStackTrace();
    }
    // Also with a broken class path: a launcher must see the end of a node that cannot start.
    System.exit(code);
  }

  static int execute(String[] args, PrintWriter out, PrintWriter err) {
    CommandLine line = new CommandLine(new KvasirCommand());
    line.setOut(out);
    line.setErr(err);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          err.println("kvasir: " + Failures.sentence(failure));
          if (Boolean.getBoolean("kvasir.stacktrace")) {
            failure.printStackTrace(err);
          }
          return Failures.exitCode(failure);
        });
    line.setParameterExceptionHandler(
        (wrong, parsed) -> {
          err.println("kvasir: " + wrong.getMessage());
          err.println(
              "Try '" + wrong.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
          return 2;
        });
    return line.execute(args);
  }
}
