package io.kvasir.node.bench.transport;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Words {@code key=value} as they go to a worker: values hold no blanks. Immutable.
 *
 * @param words sorted by key
 */
record Spec(Map<String, String> words) {
  Spec {
    words = Map.copyOf(words);
  }

  static Spec parse(String line) {
    return new Spec(
        Stream.of(line.strip().split(" +"))
            .filter(word -> word.contains("="))
            .collect(
                Collectors.toMap(
                    word -> word.substring(0, word.indexOf('=')),
                    word -> word.substring(word.indexOf('=') + 1))));
  }

  Spec with(String key, Object value) {
    Map<String, String> more = new TreeMap<>(words);
    more.put(key, value.toString());
    return new Spec(more);
  }

  String text(String key) {
    String value = words.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key + " in " + this);
    }
    return value;
  }

  int number(String key) {
    return Integer.parseInt(text(key));
  }

  @Override
  public String toString() {
    return new TreeMap<>(words)
        .entrySet().stream()
            .map(word -> word.getKey() + "=" + word.getValue())
            .collect(Collectors.joining(" "));
  }
}
