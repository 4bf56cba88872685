/**
 * Real processes for tests: JVMs that are started, paused, killed and never left behind. Shipped in
 * the {@code tests} jar for the later modules' tests; knows neither Pekko nor Aeron. A fixture and
 * its children belong to the test's thread. Start at {@link
 * io.kvasir.transport.process.ProcessExtension} and {@link
 * io.kvasir.transport.process.ProcessFixture}.
 */
package io.kvasir.transport.process;
