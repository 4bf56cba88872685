/** Structured output. */
package io.kvasir.runtime.engine.grammar;
