package io.kvasir.node;

import io.kvasir.runtime.checkpoint.DummyModels;
import io.kvasir.runtime.checkpoint.ModelConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Prints the heap, in MiB, that a model needs: packed weights lie on the heap, so the launcher must
 * know before it starts the JVM. {@code HeapSizer LOCATION DTYPE}; for what cannot be read it
 * prints the base, and the node says what is wrong.
 */
final class HeapSizer {
  /** Node, libraries, request bodies and room for collections. */
  static final long BASE_MIB = 384;

  private HeapSizer() {}

  /** Never fails: the node itself has the better sentence. */
  public static void main(String[] args) {
    System.out.println(heapMib(args[0], args.length > 1 ? args[1] : "stored"));
  }

  static long heapMib(String location, String dtype) {
    try {
      // A tenth for what is packed twice for a moment, and for regions that arrays do not fill.
      return BASE_MIB + (weightBytes(location, dtype) * 11 / 10 >> 20);
    } catch (IOException | RuntimeException unreadable) {
      return BASE_MIB;
    }
  }

  private static long weightBytes(String location, String dtype) throws IOException {
    double bytesPerValue =
        switch (dtype.toLowerCase(Locale.ROOT)) {
          case "f32" -> 4;
          case "int8" -> 1.125;
          case "int4" -> 0.625;
          case "stored" -> storedBytesPerValue(location);
          default -> 2;
        };
    return (long) (config(location).parameterCount() * bytesPerValue);
  }

  private static double storedBytesPerValue(String location) throws IOException {
    if (location.startsWith("dummy:") || location.startsWith("embedded:")) {
      return location.startsWith("dummy:") ? 2 : 4;
    }
    long bytes = 0;
    try (DirectoryStream<Path> shards =
        Files.newDirectoryStream(Path.of(location), "*.safetensors")) {
      for (Path shard : shards) {
        bytes += Files.size(shard);
      }
    }
    return (double) bytes / config(location).parameterCount();
  }

  private static ModelConfig config(String location) throws IOException {
    if (location.startsWith("dummy:")) {
      String name = location.substring("dummy:".length());
      return ModelConfig.parse(
          name.endsWith(".json")
              ? Files.readAllBytes(Path.of(name))
              : DummyModels.configJson(name.toLowerCase(Locale.ROOT)));
    }
    if (location.startsWith("embedded:")) {
      String resource =
          "/io/kvasir/embedded/" + location.substring("embedded:".length()) + "/config.json";
      try (InputStream in = HeapSizer.class.getResourceAsStream(resource)) {
        if (in == null) {
          throw new IOException("no " + resource);
        }
        return ModelConfig.parse(in.readAllBytes());
      }
    }
    return ModelConfig.parse(Files.readAllBytes(Path.of(location, "config.json")));
  }
}
