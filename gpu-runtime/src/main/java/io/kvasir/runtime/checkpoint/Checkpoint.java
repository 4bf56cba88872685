package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Locale;
import java.util.Optional;

/**
 * Everything a model is made of, read from one place. Immutable and thread-safe; the opener owns it
 * and closes it. {@link #closeTensors()} may come earlier, when the weights are packed.
 */
public final class Checkpoint implements AutoCloseable {
  private static final long MAX_CONFIG_BYTES = 4L << 20;
  private static final long MAX_TOKENIZER_BYTES = 256L << 20;
  private static final String DUMMY = "dummy:";
  private static final String EMBEDDED = "embedded:";
  private static final String EMBEDDED_ROOT = "/io/kvasir/embedded/";
  private static final String DUMMY_TEMPLATE =
      "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}assistant:{% endif %}";

  private final String location;
  private final ModelConfig config;
  private final TensorSource tensors;
  private final ModelTensors model;
  private final TextTokenizer tokenizer;
  private final ChatTemplate chatTemplate;
  private final GenerationDefaults generationDefaults;
  private final String revision;

  private Checkpoint(
      String location,
      ModelConfig config,
      TensorSource tensors,
      ModelTensors model,
      TextTokenizer tokenizer,
      ChatTemplate chatTemplate,
      GenerationDefaults generationDefaults,
      String revision) {
    this.location = location;
    this.config = config;
    this.tensors = tensors;
    this.model = model;
    this.tokenizer = tokenizer;
    this.chatTemplate = chatTemplate;
    this.generationDefaults = generationDefaults;
    this.revision = revision;
  }

  /**
   * Opens a checkpoint.
   *
   * @param location a folder in the published layout, {@code embedded:NAME}, {@code dummy:NAME} or
   *     {@code dummy:PATH/config.json}
   * @throws CheckpointException if anything would keep it from being loaded
   */
  public static Checkpoint open(String location) {
    return location.startsWith(DUMMY)
        ? openDummy(location)
        : openFolder(location, folder(location));
  }

  static CheckpointFolder folder(String location) {
    if (location.startsWith(EMBEDDED)) {
      String name = location.substring(EMBEDDED.length());
      if (!name.matches("[a-z0-9][a-z0-9_.\\-]{0,63}")) {
        throw new CheckpointException(
            location + " is no name of an embedded model: use for instance embedded:factbook.");
      }
      return new CheckpointFolder.ClassPath(location, EMBEDDED_ROOT + name + "/");
    }
    Path path;
    try {
      path = Path.of(location);
    } catch (InvalidPathException e) {
      throw new CheckpointException(location + " is no path: name a folder.", e);
    }
    if (!Files.isDirectory(path)) {
      throw new CheckpointException(
          location
              + " is no folder: name one with config.json and safetensors, or dummy:NAME or"
              + " embedded:NAME.");
    }
    return new CheckpointFolder.Directory(path);
  }

  private static Checkpoint openDummy(String location) {
    ModelConfig config = ModelConfig.parse(dummyConfigJson(location));
    TensorSource tensors = new DummyTensors(config, 0);
    return new Checkpoint(
        location,
        config,
        tensors,
        ModelTensors.of(config, tensors),
        new DummyTokenizer(config),
        new ChatTemplate(DUMMY_TEMPLATE, "", "", Clock.systemDefaultZone()),
        GenerationDefaults.of(config),
        tensors.revision());
  }

  static byte[] dummyConfigJson(String location) {
    String name = location.substring(DUMMY.length());
    if (!name.endsWith(".json")) {
      return DummyModels.configJson(name.toLowerCase(Locale.ROOT));
    }
    try {
      Path path = Path.of(name);
      if (Files.isRegularFile(path) && Files.size(path) <= MAX_CONFIG_BYTES) {
        return Files.readAllBytes(path);
      }
    } catch (InvalidPathException | IOException e) {
      throw new CheckpointException(
          location + " cannot be read (" + e.getMessage() + "): name a config.json.", e);
    }
    throw new CheckpointException(
        location
            + " names no file of at most "
            + MAX_CONFIG_BYTES
            + " bytes: give dummy:PATH/config.json.");
  }

  private static Checkpoint openFolder(String location, CheckpointFolder folder) {
    byte[] configJson = configJson(folder);
    ModelConfig config = ModelConfig.parse(configJson);
    CheckpointTensors tensors = CheckpointTensors.open(folder);
    TextTokenizer tokenizer = null;
    boolean opened = false;
    try {
      ModelTensors model = ModelTensors.of(config, tensors);
      byte[] tokenizerJson = tokenizerJson(folder);
      tokenizer = openTokenizer(tokenizerJson, config);
      Checkpoint checkpoint =
          new Checkpoint(
              location,
              config,
              tensors,
              model,
              tokenizer,
              chatTemplate(folder),
              generationDefaults(folder, config),
              new Digest().add(configJson).add(tensors.revision()).add(tokenizerJson).hex());
      opened = true;
      return checkpoint;
    } finally {
      if (!opened) {
        tensors.close();
        if (tokenizer != null) {
          tokenizer.close();
        }
      }
    }
  }

  static byte[] configJson(CheckpointFolder folder) {
    return folder
        .read(ModelConfigParser.FILE, MAX_CONFIG_BYTES)
        .orElseThrow(
            () ->
                new CheckpointException(
                    folder.location()
                        + " has no config.json: name a folder in the published layout."));
  }

  static byte[] tokenizerJson(CheckpointFolder folder) {
    return folder
        .read(TokenPieces.FILE, MAX_TOKENIZER_BYTES)
        .orElseThrow(
            () ->
                new CheckpointException(
                    folder.location()
                        + " has no tokenizer.json"
                        + (folder.exists("tokenizer.model")
                            ? ", only a SentencePiece model: convert it to tokenizer.json."
                            : ": download it into the folder.")));
  }

  static TextTokenizer openTokenizer(byte[] tokenizerJson, ModelConfig config) {
    TextTokenizer tokenizer = HuggingFaceTextTokenizer.parse(tokenizerJson);
    int ids = tokenizer.idCount();
    // Published vocabularies are padded to round sizes; a tenth is far beyond any padding.
    int unused = config.vocabSize() - ids;
    if (unused < 0 || unused > Math.max(1024, config.vocabSize() / 10)) {
      tokenizer.close();
      throw new CheckpointException(
          "tokenizer.json has ids up to "
              + (ids - 1)
              + ", config.json has vocab_size="
              + config.vocabSize()
              + ": take tokenizer and weights of one model.");
    }
    return tokenizer;
  }

  static ChatTemplate chatTemplate(CheckpointFolder folder) {
    JsonNode config =
        folder
            .read(TokenizerConfig.FILE, MAX_TOKENIZER_BYTES)
            .map(bytes -> Json.object(bytes, TokenizerConfig.FILE))
            .orElseGet(Json.MAPPER::createObjectNode);
    Optional<String> file =
        folder
            .read(TokenizerConfig.TEMPLATE_FILE, MAX_CONFIG_BYTES)
            .map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    return TokenizerConfig.chatTemplate(config, file).orElse(null);
  }

  static GenerationDefaults generationDefaults(CheckpointFolder folder, ModelConfig config) {
    return folder
        .read(GenerationDefaults.FILE, MAX_CONFIG_BYTES)
        .map(bytes -> GenerationDefaults.parse(bytes, config))
        .orElseGet(() -> GenerationDefaults.of(config));
  }

  /** The location it was opened with. */
  public String location() {
    return location;
  }

  /** A short name for lists of models: the last part of the location. */
  public String name() {
    String plain = location.replaceFirst("^(dummy|embedded):", "");
    plain = plain.replaceFirst("/config\\.json$", "").replaceFirst("/+$", "");
    return plain.substring(plain.lastIndexOf('/') + 1);
  }

  public ModelConfig config() {
    return config;
  }

  /** Raw tensors by published name; valid until {@link #closeTensors()}. */
  public TensorSource tensors() {
    return tensors;
  }

  /** Weights by role; valid until {@link #closeTensors()}. */
  public ModelTensors model() {
    return model;
  }

  public TextTokenizer tokenizer() {
    return tokenizer;
  }

  /** Empty when the folder has none: then only plain completion is possible. */
  public Optional<ChatTemplate> chatTemplate() {
    return Optional.ofNullable(chatTemplate);
  }

  public GenerationDefaults generationDefaults() {
    return generationDefaults;
  }

  /** A digest of config, weights (sampled) and tokenizer: 32 hex digits for the key domain. */
  public String revision() {
    return revision;
  }

  /** Unmaps the weights; views of them fail afterwards. Idempotent. */
  public void closeTensors() {
    tensors.close();
  }

  @Override
  public void close() {
    tensors.close();
    tokenizer.close();
  }
}
