package io.kvasir.runtime.checkpoint.jinja;

import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.exptest.ExpTest;
import com.hubspot.jinjava.lib.filter.Filter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.util.ObjectTruthValue;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Functions, filters and tests that chat templates count on and that Jinjava lacks or does
 * otherwise. Stateless; the time comes from the binding {@link #NOW}.
 */
public final class TemplateFunctions {
  static final String NOW = "kv_now";

  /** strftime letters and their java.time patterns. */
  private static final Map<Character, String> DATE_PATTERNS =
      Map.ofEntries(
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('d', "dd"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('j', "DDD"),
          Map.entry('m', "MM"),
          Map.entry('M', "mm"),
          Map.entry('p', "a"),
          Map.entry('S', "ss"),
          Map.entry('y', "yy"),
          Map.entry('Y', "yyyy"));

  private TemplateFunctions() {}

  private interface ValueFilter {
    Object apply(Object value, Object[] args, Map<String, Object> named);
  }

  static void register(Context context) {
    function(context, "raise_exception", "raiseException");
    function(context, "strftime_now", "strftimeNow");
    function(context, ExpressionRewriter.SAME, "same");
    function(context, ExpressionRewriter.TRUE, "isTrue");
    function(context, ExpressionRewriter.NOT, "isFalse");
    filter(context, "string", (value, args, named) -> PythonText.str(value));
    filter(context, "tojson", (value, args, named) -> PythonText.json(value, indent(args, named)));
    filter(
        context,
        "trim",
        (value, args, named) -> PythonMethods.strip(PythonText.str(value), args, true, true));
    filter(context, "length", (value, args, named) -> length(value));
    filter(context, "count", (value, args, named) -> length(value));
    filter(
        context,
        "items",
        (value, args, named) -> value instanceof Map<?, ?> map ? PythonMethods.items(map) : null);
    filter(context, "default", TemplateFunctions::orDefault);
    filter(context, "d", TemplateFunctions::orDefault);
    test(context, "none", value -> value instanceof PythonNone);
    test(context, "defined", value -> value != null);
    test(context, "undefined", value -> value == null);
    test(context, "string", value -> value instanceof CharSequence);
    test(context, "iterable", TemplateFunctions::isSequence);
    test(context, "sequence", TemplateFunctions::isSequence);
    test(context, "mapping", value -> value instanceof Map);
    test(context, "boolean", value -> value instanceof Boolean);
    test(context, "true", Boolean.TRUE::equals);
    test(context, "false", Boolean.FALSE::equals);
  }

  private static void function(Context context, String name, String method) {
    context.registerFunction(
        new ELFunctionDefinition("", name, TemplateFunctions.class, method, Object.class));
  }

  private static void filter(Context context, String name, ValueFilter filter) {
    context.registerFilter(
        new Filter() {
          @Override
          public String getName() {
            return name;
          }

          @Override
          public Object filter(Object value, JinjavaInterpreter in, String... args) {
            return filter.apply(value, args, Map.of());
          }

          @Override
          public Object filter(
              Object value, JinjavaInterpreter in, Object[] args, Map<String, Object> named) {
            return filter.apply(value, args, named);
          }
        });
  }

  private static void test(
      Context context, String name, java.util.function.Predicate<Object> test) {
    context.registerExpTest(
        new ExpTest() {
          @Override
          public String getName() {
            return name;
          }

          @Override
          public boolean evaluate(Object value, JinjavaInterpreter in, Object... args) {
            return test.test(value);
          }
        });
  }

  private static boolean isSequence(Object value) {
    return value instanceof CharSequence || value instanceof Iterable || value instanceof Map;
  }

  private static Object orDefault(Object value, Object[] args, Map<String, Object> named) {
    Object fallback = args.length > 0 ? args[0] : named.getOrDefault("default_value", "");
    boolean alsoFalse = truth(args.length > 1 ? args[1] : named.get("boolean"));
    return value == null || (alsoFalse && !truth(value)) ? fallback : value;
  }

  private static int indent(Object[] args, Map<String, Object> named) {
    Object indent = named.containsKey("indent") ? named.get("indent") : null;
    return indent instanceof Number n ? n.intValue() : -1;
  }

  private static Object length(Object value) {
    return switch (value) {
      case null -> 0L;
      case CharSequence text -> text.codePoints().count();
      case Collection<?> items -> (long) items.size();
      case Map<?, ?> map -> (long) map.size();
      default -> throw new TemplateException("length of " + value, false);
    };
  }

  /** Python's truth; Jinjava alone takes the text "false" for false. */
  static boolean truth(Object value) {
    return value instanceof CharSequence text ? !text.isEmpty() : ObjectTruthValue.evaluate(value);
  }

  /** Called by translated templates: a group that Jinjava must not take for a tuple. */
  public static Object same(Object value) {
    return value;
  }

  /** Called by translated templates. */
  public static boolean isTrue(Object value) {
    return truth(value);
  }

  /** Called by translated templates. */
  public static boolean isFalse(Object value) {
    return !truth(value);
  }

  /** Called by templates: refuses the conversation. */
  public static Object raiseException(Object message) {
    throw new TemplateException(PythonText.str(message), true);
  }

  /** Called by templates: the time of rendering in strftime's language. */
  public static Object strftimeNow(Object format) {
    Object now = JinjavaInterpreter.getCurrent().getContext().get(NOW);
    return now instanceof LocalDateTime time ? strftime(time, PythonText.str(format)) : null;
  }

  static String strftime(LocalDateTime time, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      boolean unpadded = format.charAt(i + 1) == '-' && i + 2 < format.length();
      i += unpadded ? 2 : 1;
      String pattern = DATE_PATTERNS.get(format.charAt(i));
      if (pattern == null) {
        out.append(format.charAt(i) == '%' ? "%" : "%" + format.charAt(i));
        continue;
      }
      String text = DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
      out.append(unpadded && text.startsWith("0") ? text.substring(1) : text);
    }
    return out.toString();
  }

  static List<String> names() {
    return List.of("raise_exception", "strftime_now");
  }
}
