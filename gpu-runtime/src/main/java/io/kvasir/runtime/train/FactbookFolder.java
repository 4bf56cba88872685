package io.kvasir.runtime.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.kvasir.runtime.train.factbook.FactbookVocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Writes a network and its tokenizer in the layout of a Hugging Face model folder. */
final class FactbookFolder {
  /**
   * A prompt is document and question, an answer ends with the end token; nothing marks the
   * speakers, so the question mark before an answer is the last token the model sees.
   */
  static final String CHAT_TEMPLATE =
      "{{ bos_token }}{% for message in messages %}{{ message['content'] }}"
          + "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}\n{% endfor %}";

  private final FactbookTrainingOptions options;
  private final ObjectMapper json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  FactbookFolder(FactbookTrainingOptions options) {
    this.options = options;
  }

  /** Creates the folder and begins a new training log. */
  void begin() throws IOException {
    Files.createDirectories(options.directory());
    Files.deleteIfExists(options.directory().resolve("training.log"));
  }

  /** Appends a line to the training log. */
  void log(String line) throws IOException {
    Files.writeString(
        options.directory().resolve("training.log"),
        line + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /** Writes all files of the checkpoint; weights are rounded to bf16. */
  @SuppressWarnings("try") // the scope frees the views on the parameters
  void write(LlamaNet net) throws IOException {
    Path directory = options.directory();
    SafetensorsWriter weights = new SafetensorsWriter(Map.of("format", "pt"));
    try (PointerScope scope = new PointerScope()) {
      net.parameters().forEach((name, tensor) -> weights.add(name, shape(tensor), values(tensor)));
    }
    weights.write(directory.resolve("model.safetensors"));
    writeJson("config.json", config());
    writeJson("generation_config.json", generationConfig());
    writeJson("tokenizer.json", tokenizer());
    writeJson("tokenizer_config.json", tokenizerConfig());
  }

  private static long[] shape(Tensor tensor) {
    long[] shape = new long[(int) tensor.dim()];
    for (int axis = 0; axis < shape.length; axis++) {
      shape[axis] = tensor.size(axis);
    }
    return shape;
  }

  private static float[] values(Tensor tensor) {
    float[] values = new float[(int) tensor.numel()];
    tensor.data_ptr_float().get(values);
    return values;
  }

  private void writeJson(String name, Object content) throws IOException {
    Files.writeString(options.directory().resolve(name), json.writeValueAsString(content) + "\n");
  }

  private Map<String, Object> config() {
    LlamaShape shape = options.shape();
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("LlamaForCausalLM"));
    config.put("model_type", "llama");
    config.put("vocab_size", shape.vocabularySize());
    config.put("hidden_size", shape.hiddenSize());
    config.put("intermediate_size", shape.ffnSize());
    config.put("num_hidden_layers", shape.layerCount());
    config.put("num_attention_heads", shape.headCount());
    config.put("num_key_value_heads", shape.kvHeadCount());
    config.put("head_dim", shape.headDim());
    config.put("hidden_act", "silu");
    config.put("max_position_embeddings", shape.maxPositions());
    config.put("rms_norm_eps", shape.normEpsilon());
    config.put("rope_theta", shape.ropeTheta());
    config.put("rope_scaling", null);
    config.put("attention_bias", false);
    config.put("mlp_bias", false);
    config.put("tie_word_embeddings", false);
    config.put("bos_token_id", FactbookVocabulary.BOS);
    config.put("eos_token_id", FactbookVocabulary.EOS);
    config.put("torch_dtype", "bfloat16");
    return config;
  }

  private static Map<String, Object> generationConfig() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("bos_token_id", FactbookVocabulary.BOS);
    config.put("eos_token_id", FactbookVocabulary.EOS);
    config.put("do_sample", false);
    config.put("max_new_tokens", 8);
    return config;
  }

  private static Map<String, Object> tokenizerConfig() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("bos_token", "<s>");
    config.put("eos_token", "</s>");
    config.put("unk_token", "<unk>");
    config.put("model_max_length", 1024);
    config.put("clean_up_tokenization_spaces", false);
    config.put("chat_template", CHAT_TEMPLATE);
    return config;
  }

  private static Map<String, Object> tokenizer() {
    FactbookVocabulary words = FactbookVocabulary.get();
    Map<String, Object> vocabulary = new LinkedHashMap<>();
    for (int id = 0; id < words.size(); id++) {
      vocabulary.put(words.word(id), id);
    }
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "WordLevel");
    model.put("vocab", vocabulary);
    model.put("unk_token", "<unk>");
    Map<String, Object> tokenizer = new LinkedHashMap<>();
    tokenizer.put("version", "1.0");
    tokenizer.put("truncation", null);
    tokenizer.put("padding", null);
    tokenizer.put(
        "added_tokens",
        List.of(
            special(FactbookVocabulary.BOS),
            special(FactbookVocabulary.EOS),
            special(FactbookVocabulary.UNKNOWN)));
    tokenizer.put("normalizer", Map.of("type", "Lowercase"));
    tokenizer.put("pre_tokenizer", Map.of("type", "Whitespace"));
    tokenizer.put("post_processor", beginEveryPrompt());
    tokenizer.put("decoder", null);
    tokenizer.put("model", model);
    return tokenizer;
  }

  private static Map<String, Object> special(int id) {
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", id);
    token.put("content", FactbookVocabulary.get().word(id));
    token.put("single_word", false);
    token.put("lstrip", false);
    token.put("rstrip", false);
    token.put("normalized", false);
    token.put("special", true);
    return token;
  }

  private static Map<String, Object> beginEveryPrompt() {
    Object begin = Map.of("SpecialToken", typed("<s>"));
    Object first = Map.of("Sequence", typed("A"));
    Object second = Map.of("Sequence", typed("B"));
    Map<String, Object> token = new LinkedHashMap<>();
    token.put("id", "<s>");
    token.put("ids", List.of(FactbookVocabulary.BOS));
    token.put("tokens", List.of("<s>"));
    Map<String, Object> processor = new LinkedHashMap<>();
    processor.put("type", "TemplateProcessing");
    processor.put("single", List.of(begin, first));
    processor.put("pair", List.of(begin, first, second));
    processor.put("special_tokens", Map.of("<s>", token));
    return processor;
  }

  private static Map<String, Object> typed(String id) {
    Map<String, Object> reference = new LinkedHashMap<>();
    reference.put("id", id);
    reference.put("type_id", 0);
    return reference;
  }
}
