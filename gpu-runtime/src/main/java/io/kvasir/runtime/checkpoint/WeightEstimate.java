package io.kvasir.runtime.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a model's packed weights will take, from its config.json and the sizes of its files, before
 * anything is loaded.
 *
 * @param config as published
 * @param weightBytes packed in the format asked for
 */
public record WeightEstimate(ModelConfig config, long weightBytes) {
  /**
   * Looks at a location as {@link Checkpoint#open} takes it.
   *
   * @param dtype stored, f32, bf16, f16, int8 or int4
   * @throws IOException when a file cannot be read
   * @throws CheckpointException when config.json says nothing that this understands
   */
  public static WeightEstimate of(String location, String dtype) throws IOException {
    ModelConfig config = config(location);
    double bytesPerValue =
        switch (dtype.toLowerCase(Locale.ROOT)) {
          case "f32" -> 4;
          case "int8" -> 1.125;
          case "int4" -> 0.625;
          case "stored" -> storedBytesPerValue(location, config);
          default -> 2;
        };
    return new WeightEstimate(config, (long) (config.parameterCount() * bytesPerValue));
  }

  private static double storedBytesPerValue(String location, ModelConfig config)
      throws IOException {
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
    return (double) bytes / config.parameterCount();
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
      try (InputStream in = WeightEstimate.class.getResourceAsStream(resource)) {
        if (in == null) {
          throw new IOException("no " + resource);
        }
        return ModelConfig.parse(in.readAllBytes());
      }
    }
    return ModelConfig.parse(Files.readAllBytes(Path.of(location, "config.json")));
  }
}
