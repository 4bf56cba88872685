/** Measurements of the transport within one JVM, run by hand or by tests. Start at the mains. */
package io.kvasir.transport.bench;
