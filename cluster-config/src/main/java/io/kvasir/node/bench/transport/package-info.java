/**
 * {@code kvasir bench transport}: blocks between two processes by the transport module, beside bare
 * Aeron, plain TCP and Pekko Artery moving the same bytes from and to regions of the same size. The
 * parent runs nothing itself but checksums; each way runs in two worker processes that take one
 * command a line. Imported by the command line only. Start at {@link
 * io.kvasir.node.bench.transport.TransportBench}.
 */
package io.kvasir.node.bench.transport;
