package io.kvasir.runtime.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small tokenizer.json files in the published kinds. */
public final class TinyTokenizers {
  /** A tokenizer_config.json with a plain template over {@code <s>} and {@code </s>}. */
  static final String CONFIG =
      """
      {"bos_token": "<s>", "eos_token": {"content": "</s>"},
       "chat_template": "{{ bos_token }}{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"}
      """;

  private TinyTokenizers() {}

  /**
   * A byte-level vocabulary: {@code <unk> <s> </s>}, the 256 bytes, some merges, then unused words
   * up to {@code size}; at least 280.
   */
  public static String byteLevel(int size) {
    Map<String, Integer> vocab = new LinkedHashMap<>();
    for (String special : List.of("<unk>", "<s>", "</s>")) {
      vocab.put(special, vocab.size());
    }
    for (int b = 0; b < 256; b++) {
      vocab.put(String.valueOf(TokenPieces.ByteAlphabet.charOf(b)), vocab.size());
    }
    String space = String.valueOf(TokenPieces.ByteAlphabet.charOf(' '));
    List<String> merges = new ArrayList<>();
    for (String pair : List.of("t h", "th e", space + " the", "i n", "a n", "an d", "e r", "o n")) {
      merges.add(pair);
      vocab.put(pair.replace(" ", ""), vocab.size());
    }
    for (int i = vocab.size(); i < size; i++) {
      vocab.put("unused" + i, i);
    }
    Map<String, Object> byteLevel =
        Map.of(
            "type",
            "ByteLevel",
            "add_prefix_space",
            false,
            "trim_offsets",
            true,
            "use_regex",
            true);
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("added_tokens", specials());
    root.put("normalizer", null);
    root.put("pre_tokenizer", byteLevel);
    root.put("post_processor", beginToken());
    root.put("decoder", byteLevel);
    root.put("model", Map.of("type", "BPE", "vocab", vocab, "merges", merges));
    return json(root);
  }

  private static List<Object> specials() {
    List<Object> added = new ArrayList<>();
    for (int id = 0; id < 3; id++) {
      added.add(
          Map.of(
              "id", id,
              "content", List.of("<unk>", "<s>", "</s>").get(id),
              "single_word", false,
              "lstrip", false,
              "rstrip", false,
              "normalized", false,
              "special", true));
    }
    return added;
  }

  /** A vocabulary in the manner of SentencePiece: blanks as U+2581, unknown text as bytes. */
  public static String sentencePiece() {
    Map<String, Integer> vocab = new LinkedHashMap<>();
    for (String special : List.of("<unk>", "<s>", "</s>")) {
      vocab.put(special, vocab.size());
    }
    for (int b = 0; b < 256; b++) {
      vocab.put("<0x%02X>".formatted(b), vocab.size());
    }
    for (char c : "\u2581abcdefghijklmnopqrstuvwxyzZ,'".toCharArray()) {
      vocab.put(String.valueOf(c), vocab.size());
    }
    List<String> merges = new ArrayList<>();
    for (String pair : List.of("t h", "th e", "\u2581 the", "e n", "en d", "\u2581 end")) {
      merges.add(pair);
      vocab.put(pair.replace(" ", ""), vocab.size());
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("added_tokens", specials());
    root.put(
        "normalizer",
        Map.of(
            "type",
            "Sequence",
            "normalizers",
            List.of(
                Map.of("type", "Prepend", "prepend", "\u2581"),
                Map.of("type", "Replace", "pattern", Map.of("String", " "), "content", "\u2581"))));
    root.put("pre_tokenizer", null);
    root.put("post_processor", beginToken());
    root.put(
        "decoder",
        Map.of(
            "type",
            "Sequence",
            "decoders",
            List.of(
                Map.of("type", "Replace", "pattern", Map.of("String", "\u2581"), "content", " "),
                Map.of("type", "ByteFallback"),
                Map.of("type", "Fuse"),
                Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0))));
    root.put(
        "model",
        Map.of(
            "type",
            "BPE",
            "unk_token",
            "<unk>",
            "fuse_unk",
            true,
            "byte_fallback",
            true,
            "vocab",
            vocab,
            "merges",
            merges));
    return json(root);
  }

  /** Whole words, joined with blanks. */
  public static String wordLevel() {
    Map<String, Integer> vocab = new LinkedHashMap<>();
    for (String word :
        List.of("<unk>", "<s>", "</s>", "anna", "has", "the", "red", "ball", "where", "is")) {
      vocab.put(word, vocab.size());
    }
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("added_tokens", specials());
    root.put("pre_tokenizer", Map.of("type", "WhitespaceSplit"));
    root.put("post_processor", beginToken());
    root.put("decoder", null);
    root.put("model", Map.of("type", "WordLevel", "vocab", vocab, "unk_token", "<unk>"));
    return json(root);
  }

  /** Adds {@code <s>} at the start when special tokens are asked for. */
  static Map<String, Object> beginToken() {
    Map<String, Object> text = Map.of("Sequence", Map.of("id", "A", "type_id", 0));
    Map<String, Object> second = Map.of("Sequence", Map.of("id", "B", "type_id", 1));
    Map<String, Object> begin = Map.of("SpecialToken", Map.of("id", "<s>", "type_id", 0));
    return Map.of(
        "type", "TemplateProcessing",
        "single", List.of(begin, text),
        "pair", List.of(begin, text, begin, second),
        "special_tokens",
            Map.of("<s>", Map.of("id", "<s>", "ids", List.of(1), "tokens", List.of("<s>"))));
  }

  static String json(Object value) {
    try {
      return new ObjectMapper().writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
