/** JMH benchmarks of the engine; run with {@code kvasir bench} or JMH's main. Not tests. */
package io.kvasir.runtime.engine.bench;
