package io.kvasir.runtime.checkpoint.jinja;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import io.kvasir.runtime.checkpoint.jinja.TemplateTokens.Token;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One template, translated once and rendered often. Immutable and thread-safe. */
public final class JinjaTemplate {
  static final String FOR_IF = " kv_if ";
  private static final long MAX_OUTPUT_CHARS = 64L << 20;
  private static final Jinjava ENGINE = engine();

  private final String translated;
  private final Map<String, Object> literals;

  /**
   * Translates a template.
   *
   * @throws TemplateException if a tag, string or bracket is not closed
   */
  public JinjaTemplate(String source) {
    Map<String, Object> found = new HashMap<>();
    this.translated = translate(source, new ExpressionRewriter(found));
    this.literals = Map.copyOf(found);
  }

  private static Jinjava engine() {
    LegacyOverrides overrides =
        LegacyOverrides.Builder.from(LegacyOverrides.NONE)
            .withEvaluateMapKeys(true)
            .withUseNaturalOperatorPrecedence(true)
            .withKeepNullableLoopValues(true)
            .build();
    // Nested interpretation would run template code found in a message.
    Jinjava jinjava =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withNestedInterpretationEnabled(false)
                .withKeepTrailingNewline(true)
                .withElResolver(new PythonResolver())
                .withLegacyOverrides(overrides)
                .withMaxOutputSize(MAX_OUTPUT_CHARS)
                .build());
    TemplateFunctions.register(jinjava.getGlobalContext());
    TemplateTags.all().forEach(jinjava.getGlobalContext()::registerTag);
    return jinjava;
  }

  private static String translate(String source, ExpressionRewriter rewriter) {
    StringBuilder out = new StringBuilder();
    for (TemplateLexer.Segment segment : TemplateLexer.split(source)) {
      switch (segment.kind()) {
        // Text becomes a variable as well: nothing in it can look like a tag then.
        case TEXT -> out.append("{{ ").append(rewriter.literal(segment.body())).append(" }}");
        case EXPRESSION ->
            out.append("{% ")
                .append(TemplateTags.PRINT)
                .append(' ')
                .append(rewriter.value(TemplateTokens.of(segment.body())))
                .append(" %}");
        case STATEMENT -> out.append(statement(segment.body(), rewriter));
      }
    }
    return out.toString();
  }

  private static String statement(String body, ExpressionRewriter rewriter) {
    List<Token> tokens = TemplateTokens.of(body);
    if (tokens.isEmpty()) {
      return "";
    }
    String name = tokens.get(0).text();
    List<Token> rest = tokens.subList(1, tokens.size());
    String header =
        switch (name) {
          // Marks what was generated, for training; says nothing about the prompt.
          case "generation", "endgeneration" -> null;
          case "for" -> forHeader(rest, rewriter);
          case "if", "elif" -> rewriter.truth(rest);
          case "set" -> rewriter.assignment(rest);
          case "macro" -> rewriter.macroHeader(rest);
          default -> rewriter.value(rest);
        };
    return header == null ? "" : "{% " + name + " " + header + " %}";
  }

  private static String forHeader(List<Token> tokens, ExpressionRewriter rewriter) {
    int in = TemplateTokens.find(tokens, "in", 0);
    if (in < 1) {
      throw new TemplateException("a for statement lacks its 'in'", false);
    }
    StringBuilder out = new StringBuilder();
    for (Token target : tokens.subList(0, in)) {
      out.append(target.text());
    }
    List<Token> items = tokens.subList(in + 1, tokens.size());
    int condition = TemplateTokens.find(items, "if", 0);
    int end = condition < 0 ? items.size() : condition;
    out.append(" in ").append(rewriter.value(items.subList(0, end)));
    if (condition >= 0) {
      out.append(FOR_IF).append(rewriter.truth(items.subList(condition + 1, items.size())));
    }
    return out.toString();
  }

  /**
   * Renders with variables: strings, numbers, booleans, lists and maps; a null is Python's None.
   *
   * @param now what {@code strftime_now} reports
   * @throws TemplateException if the template refuses or fails
   */
  public String render(Map<String, ?> variables, LocalDateTime now) {
    Map<String, Object> bindings = new HashMap<>(literals);
    variables.forEach((name, value) -> bindings.put(name, python(value)));
    bindings.put(ExpressionRewriter.NONE, PythonNone.NONE);
    bindings.put(TemplateFunctions.NOW, now);
    // Functions count as defined.
    TemplateFunctions.names().forEach(name -> bindings.put(name, name));
    RenderResult result;
    try {
      result = ENGINE.renderForResult(translated, bindings);
    } catch (RuntimeException | StackOverflowError e) {
      throw failure(e, String.valueOf(e.getMessage()));
    }
    for (TemplateError error : result.getErrors()) {
      throw failure(error.getException(), error.getMessage());
    }
    return result.getOutput();
  }

  private static TemplateException failure(Throwable cause, String message) {
    Throwable at = cause;
    for (int depth = 0; at != null && depth < 20; depth++, at = at.getCause()) {
      if (at instanceof TemplateException own) {
        return own;
      }
    }
    return new TemplateException(message, false);
  }

  private static Object python(Object value) {
    return switch (value) {
      case null -> PythonNone.NONE;
      case Integer number -> number.longValue();
      case Map<?, ?> map -> {
        Map<String, Object> copy = new LinkedHashMap<>();
        map.forEach((k, v) -> copy.put(String.valueOf(k), python(v)));
        yield copy;
      }
      case Set<?> set -> python(new ArrayList<>(set));
      case List<?> list -> {
        List<Object> copy = new ArrayList<>();
        list.forEach(item -> copy.add(python(item)));
        yield copy;
      }
      default -> value;
    };
  }
}
