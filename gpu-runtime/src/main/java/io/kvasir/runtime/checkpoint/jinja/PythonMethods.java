package io.kvasir.runtime.checkpoint.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Python's methods of strings, lists and dictionaries, as far as chat templates call them. */
final class PythonMethods {
  /** Marks a method that this class does not know; Jinjava then looks for a Java method. */
  static final Object UNKNOWN = new Object();

  private PythonMethods() {}

  static Object call(Object base, String method, Object[] args) {
    if (method.equals(ExpressionRewriter.SLICE)) {
      return slice(base, args[0], args[1], args[2]);
    }
    return switch (base) {
      case String text -> ofString(text, method, args);
      case Map<?, ?> map -> ofMap(map, method, args);
      default -> UNKNOWN;
    };
  }

  private static Object ofString(String text, String method, Object[] args) {
    return switch (method) {
      case "strip" -> strip(text, args, true, true);
      case "lstrip" -> strip(text, args, true, false);
      case "rstrip" -> strip(text, args, false, true);
      case "split" -> split(text, args, false);
      case "rsplit" -> split(text, args, true);
      case "splitlines" -> new ArrayList<Object>(text.lines().toList());
      case "partition" -> partition(text, text.indexOf(text(args, 0)), text(args, 0), false);
      case "rpartition" -> partition(text, text.lastIndexOf(text(args, 0)), text(args, 0), true);
      case "startswith" -> any(args[0], text::startsWith);
      case "endswith" -> any(args[0], text::endsWith);
      case "removeprefix" ->
          text.startsWith(text(args, 0)) ? text.substring(text(args, 0).length()) : text;
      case "removesuffix" ->
          text.endsWith(text(args, 0))
              ? text.substring(0, text.length() - text(args, 0).length())
              : text;
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" ->
          text.isEmpty()
              ? text
              : text.substring(0, 1).toUpperCase(Locale.ROOT)
                  + text.substring(1).toLowerCase(Locale.ROOT);
      case "title" -> title(text);
      case "replace" -> text.replace(text(args, 0), text(args, 1));
      case "find" -> (long) text.indexOf(text(args, 0));
      case "rfind" -> (long) text.lastIndexOf(text(args, 0));
      case "count" ->
          (long) text.split(java.util.regex.Pattern.quote(text(args, 0)), -1).length - 1;
      case "join" -> String.join(text, ((List<?>) args[0]).stream().map(PythonText::str).toList());
      case "isdigit" -> !text.isEmpty() && text.chars().allMatch(Character::isDigit);
      case "isalpha" -> !text.isEmpty() && text.chars().allMatch(Character::isLetter);
      case "isalnum" -> !text.isEmpty() && text.chars().allMatch(Character::isLetterOrDigit);
      case "isspace" -> !text.isEmpty() && text.isBlank();
      case "isupper" ->
          !text.equals(text.toLowerCase(Locale.ROOT)) && text.equals(text.toUpperCase(Locale.ROOT));
      case "islower" ->
          !text.equals(text.toUpperCase(Locale.ROOT)) && text.equals(text.toLowerCase(Locale.ROOT));
      default -> UNKNOWN;
    };
  }

  private static Object ofMap(Map<?, ?> map, String method, Object[] args) {
    return switch (method) {
      case "get" -> {
        Object fallback = args.length > 1 ? args[1] : PythonNone.NONE;
        yield map.containsKey(args[0]) ? map.get(args[0]) : fallback;
      }
      case "keys" -> new ArrayList<Object>(map.keySet());
      case "values" -> new ArrayList<Object>(map.values());
      case "items" -> items(map);
      case ExpressionRewriter.WITH -> {
        Map<Object, Object> more = new LinkedHashMap<>(map);
        more.put(args[0], args[1]);
        yield more;
      }
      default -> UNKNOWN;
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> pairs = new ArrayList<>();
    map.forEach((k, v) -> pairs.add(new ArrayList<Object>(Arrays.asList(k, v))));
    return pairs;
  }

  private static String text(Object[] args, int index) {
    return PythonText.str(args[index]);
  }

  private static boolean any(Object candidates, java.util.function.Predicate<String> test) {
    return candidates instanceof List<?> list
        ? list.stream().anyMatch(item -> test.test(PythonText.str(item)))
        : test.test(PythonText.str(candidates));
  }

  static String strip(String text, Object[] args, boolean left, boolean right) {
    boolean blanks = args.length == 0 || args[0] instanceof PythonNone;
    String set = blanks ? null : text(args, 0);
    int from = 0;
    int to = text.length();
    while (left && from < to && strips(text.charAt(from), set)) {
      from++;
    }
    while (right && to > from && strips(text.charAt(to - 1), set)) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean strips(char c, String set) {
    boolean blank = Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
    return set == null ? blank : set.indexOf(c) >= 0;
  }

  private static List<Object> split(String text, Object[] args, boolean fromRight) {
    int limit = args.length > 1 ? ((Number) args[1]).intValue() : Integer.MAX_VALUE;
    limit = limit < 0 ? Integer.MAX_VALUE : limit;
    List<Object> parts = new ArrayList<>();
    if (args.length == 0 || args[0] instanceof PythonNone) {
      String rest = strip(text, new Object[0], true, true);
      for (String part : rest.isEmpty() ? new String[0] : rest.split("\\s+")) {
        parts.add(part);
      }
      return parts;
    }
    String separator = text(args, 0);
    if (separator.isEmpty()) {
      throw new TemplateException("split() needs a separator", false);
    }
    String rest = text;
    while (parts.size() < limit) {
      int at = fromRight ? rest.lastIndexOf(separator) : rest.indexOf(separator);
      if (at < 0) {
        break;
      }
      String head = rest.substring(0, at);
      String tail = rest.substring(at + separator.length());
      parts.add(fromRight ? 0 : parts.size(), fromRight ? tail : head);
      rest = fromRight ? head : tail;
    }
    parts.add(fromRight ? 0 : parts.size(), rest);
    return parts;
  }

  private static List<Object> partition(String text, int at, String separator, boolean right) {
    if (at < 0) {
      return new ArrayList<>(right ? List.of("", "", text) : List.of(text, "", ""));
    }
    return new ArrayList<>(
        List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private static String title(String text) {
    StringBuilder out = new StringBuilder();
    boolean inWord = false;
    for (char c : text.toCharArray()) {
      out.append(inWord ? Character.toLowerCase(c) : Character.toUpperCase(c));
      inWord = Character.isLetter(c);
    }
    return out.toString();
  }

  /** {@code base[from:to:step]} of a string or list; strings count code points. */
  private static Object slice(Object base, Object from, Object to, Object step) {
    if (base instanceof String text) {
      int[] points = text.codePoints().toArray();
      StringBuilder out = new StringBuilder();
      for (int i : indices(points.length, from, to, step)) {
        out.appendCodePoint(points[i]);
      }
      return out.toString();
    }
    if (base instanceof List<?> list) {
      List<Object> out = new ArrayList<>();
      for (int i : indices(list.size(), from, to, step)) {
        out.add(list.get(i));
      }
      return out;
    }
    return null;
  }

  private static int[] indices(int length, Object from, Object to, Object step) {
    int by = step instanceof Number n ? n.intValue() : 1;
    if (by == 0) {
      throw new TemplateException("a slice has step 0", false);
    }
    int first = bound(from, length, by > 0 ? 0 : length - 1, by);
    int last = bound(to, length, by > 0 ? length : -1, by);
    List<Integer> out = new ArrayList<>();
    for (int i = first; by > 0 ? i < last : i > last; i += by) {
      out.add(i);
    }
    return out.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int bound(Object given, int length, int fallback, int by) {
    if (!(given instanceof Number n)) {
      return fallback;
    }
    long index = n.longValue() < 0 ? n.longValue() + length : n.longValue();
    return Math.clamp(index, by > 0 ? 0 : -1, by > 0 ? length : length - 1);
  }
}
