/** JMH benchmarks of the cache; run with JMH's main. Not tests. */
package io.kvasir.runtime.cache.bench;
