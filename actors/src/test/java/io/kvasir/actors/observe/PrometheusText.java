package io.kvasir.actors.observe;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A parser of Prometheus' text format 0.0.4 that forgives nothing: each family has one HELP and one
 * TYPE before its samples and is not interrupted, names and labels are well-formed, no sample comes
 * twice, counters end in _total and do not fall below zero, histograms are cumulative and end at
 * +Inf with their count.
 */
public final class PrometheusText {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z_:][a-zA-Z0-9_:]*");
  private static final Pattern META = Pattern.compile("# (HELP|TYPE) (\\S+) (.*)");
  private static final Pattern SAMPLE = Pattern.compile("([^{\\s]+)(?:\\{(.*)})? (\\S+)");
  private static final Pattern LABEL =
      Pattern.compile("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\\n]|\\\\[\\\\\"n])*)\"(,|$)");
  private static final Set<String> TYPES =
      Set.of("counter", "gauge", "histogram", "summary", "untyped");

  /** One line. */
  public record Sample(String name, Map<String, String> labels, double value) {}

  private final Map<String, String> types = new LinkedHashMap<>();
  private final Set<String> helps = new HashSet<>();
  private final List<Sample> samples = new ArrayList<>();
  private final Set<String> seen = new HashSet<>();
  private String family = "";

  private PrometheusText() {}

  public static PrometheusText parse(String text) {
    PrometheusText parsed = new PrometheusText();
    require(text.endsWith("\n"), "the last line does not end");
    text.lines().forEach(parsed::line);
    parsed.checkHistograms();
    return parsed;
  }

  public Map<String, String> types() {
    return types;
  }

  public List<Sample> samples() {
    return samples;
  }

  /** The only sample with this name and, among others, these labels. */
  public double value(String name, String... labels) {
    List<Sample> found =
        samples.stream()
            .filter(sample -> sample.name().equals(name))
            .filter(
                sample -> {
                  for (int i = 0; i < labels.length; i += 2) {
                    if (!labels[i + 1].equals(sample.labels().get(labels[i]))) {
                      return false;
                    }
                  }
                  return true;
                })
            .toList();
    require(found.size() == 1, found.size() + " samples of " + name + List.of(labels));
    return found.getFirst().value();
  }

  private void line(String line) {
    if (line.startsWith("#")) {
      meta(line);
      return;
    }
    Matcher parts = SAMPLE.matcher(line);
    require(parts.matches(), line);
    String name = parts.group(1);
    require(NAME.matcher(name).matches(), line);
    require(belongs(name), line + " stands outside its family");
    Map<String, String> labels = labels(parts.group(2), line);
    require(seen.add(name + new TreeMap<>(labels)), line + " comes twice");
    double value =
        parts.group(3).equals("+Inf")
            ? Double.POSITIVE_INFINITY
            : Double.parseDouble(parts.group(3));
    String type = types.get(family);
    require(!type.equals("gauge") || name.equals(family), line);
    require(!type.equals("counter") || (name.endsWith("_total") && value >= 0), line);
    samples.add(new Sample(name, labels, value));
  }

  private void meta(String line) {
    Matcher parts = META.matcher(line);
    require(parts.matches(), line);
    String name = parts.group(2);
    require(NAME.matcher(name).matches(), line);
    if (parts.group(1).equals("HELP")) {
      require(helps.add(name), line + " comes twice");
      require(!parts.group(3).isBlank(), line + " is empty");
    } else {
      require(TYPES.contains(parts.group(3)), line);
      require(types.put(name, parts.group(3)) == null, line + " comes twice");
      require(helps.contains(name), line + " has no help");
      family = name;
    }
  }

  private boolean belongs(String name) {
    String type = types.getOrDefault(family, "");
    return name.equals(family)
        || ((type.equals("histogram") || type.equals("summary"))
            && (name.equals(family + "_count")
                || name.equals(family + "_sum")
                || (type.equals("histogram") && name.equals(family + "_bucket"))));
  }

  private static Map<String, String> labels(String text, String line) {
    Map<String, String> labels = new LinkedHashMap<>();
    if (text == null) {
      return labels;
    }
    Matcher label = LABEL.matcher(text);
    int at = 0;
    while (label.find(at) && label.start() == at) {
      require(labels.put(label.group(1), label.group(2)) == null, line);
      at = label.end();
      if (at == text.length()) {
        break;
      }
    }
    require(at == text.length(), line);
    return labels;
  }

  private void checkHistograms() {
    Map<String, List<Sample>> series = new HashMap<>();
    for (Sample sample : samples) {
      if (sample.name().endsWith("_bucket")) {
        Map<String, String> others = new TreeMap<>(sample.labels());
        others.remove("le");
        String name = sample.name().substring(0, sample.name().length() - "_bucket".length());
        series.computeIfAbsent(name + others, key -> new ArrayList<>()).add(sample);
      }
    }
    series.forEach(
        (key, buckets) -> {
          double bound = Double.NEGATIVE_INFINITY;
          double count = 0;
          for (Sample bucket : buckets) {
            String le = bucket.labels().get("le");
            double next = le.equals("+Inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(le);
            require(next > bound && bucket.value() >= count, bucket + " is not cumulative");
            bound = next;
            count = bucket.value();
          }
          require(bound == Double.POSITIVE_INFINITY, key + " does not end at +Inf");
          Sample last = buckets.getLast();
          String name = last.name().substring(0, last.name().length() - "_bucket".length());
          Map<String, String> labels = new HashMap<>(last.labels());
          labels.remove("le");
          double total = count;
          require(
              samples.stream()
                  .anyMatch(
                      s ->
                          s.name().equals(name + "_count")
                              && s.labels().equals(labels)
                              && s.value() == total),
              key + " and its count differ");
        });
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
