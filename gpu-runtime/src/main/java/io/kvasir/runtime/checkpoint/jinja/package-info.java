/**
 * Published chat templates on the Jinjava library: the parts of Python's Jinja that Jinjava reads
 * differently (white space, slices, string methods, None, loops with conditions) are translated
 * before, or added through its extension points. Knows no checkpoints. Thread-safe; start at {@code
 * JinjaTemplate}, whose way is {@code TemplateLexer}, {@code ExpressionRewriter}, Jinjava.
 */
package io.kvasir.runtime.checkpoint.jinja;
