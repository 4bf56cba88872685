import com.google.googlejavaformat.java.Formatter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Checks (or, with {@code fix}, rewrites) every Java source of the five modules with google-java-format. */
public class Format {
  public static void main(String[] args) throws Exception {
    boolean fix = args.length > 0 && args[0].equals("fix");
    Formatter formatter = new Formatter();
    List<Path> sources = new ArrayList<>();
    for (String module : List.of("transport", "gpu-runtime", "actors", "cluster-config", "chaos-tests")) {
      Path src = Path.of(module, "src");
      if (Files.isDirectory(src)) {
        try (Stream<Path> walk = Files.walk(src)) {
          walk.filter(p -> p.toString().endsWith(".java")).forEach(sources::add);
        }
      }
    }
    List<Path> bad = new ArrayList<>();
    for (Path source : sources) {
      String text = Files.readString(source);
      String formatted = formatter.formatSourceAndFixImports(text);
      if (!formatted.equals(text)) {
        bad.add(source);
        if (fix) {
          Files.writeString(source, formatted);
        }
      }
    }
    if (fix) {
      System.out.println("format: rewrote " + bad.size() + " of " + sources.size() + " sources");
    } else if (!bad.isEmpty()) {
      System.err.println("format: " + bad.size() + " of " + sources.size()
          + " sources are not in google-java-format; run: mvn -N validate -Dkvasir.format=fix");
      bad.forEach(p -> System.err.println("  " + p));
      System.exit(1);
    }
  }
}
