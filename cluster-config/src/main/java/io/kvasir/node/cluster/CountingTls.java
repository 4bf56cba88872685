package io.kvasir.node.cluster;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.remote.artery.tcp.SSLEngineProvider;
import org.apache.pekko.remote.artery.tcp.ssl.RotatingKeysSSLEngineProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * Pekko's TLS with certificates that are read again from time to time, and a count of those who
 * were turned away: Pekko itself keeps quiet about them. Created by Pekko; any thread.
 */
public final class CountingTls implements SSLEngineProvider {
  private static final Logger LOG = LoggerFactory.getLogger(CountingTls.class);
  private static final LongAdder REFUSED = new LongAdder();
  private static final int MAX_CAUSES = 64;
  private static final Set<String> CAUSES = ConcurrentHashMap.newKeySet();

  private final SSLEngineProvider provider;

  /** As Pekko calls it. */
  public CountingTls(ActorSystem system) {
    provider = new RotatingKeysSSLEngineProvider(system);
  }

  /** Connections to this process that failed to prove who they are. */
  public static long refusedCount() {
    return REFUSED.sum();
  }

  @Override
  public SSLEngine createServerSSLEngine(String hostname, int port) {
    return new WatchedEngine(
        provider.createServerSSLEngine(hostname, port), CountingTls::refused);
  }

  @Override
  public SSLEngine createClientSSLEngine(String hostname, int port) {
    return provider.createClientSSLEngine(hostname, port);
  }

  @Override
  public Option<Throwable> verifyClientSession(String hostname, SSLSession session) {
    return provider.verifyClientSession(hostname, session);
  }

  @Override
  public Option<Throwable> verifyServerSession(String hostname, SSLSession session) {
    Option<Throwable> failure = provider.verifyServerSession(hostname, session);
    if (failure.isDefined()) {
      refused(String.valueOf(failure.get().getMessage()));
    }
    return failure;
  }

  private static void refused(String cause) {
    REFUSED.increment();
    // Each cause once: a stranger that knocks every second must not fill the log.
    if (CAUSES.size() < MAX_CAUSES && CAUSES.add(cause)) {
      LOG.warn(
          "a connection to this node was refused: {}; nodes need a certificate of the authority in"
              + " {}.tls.ca",
          cause,
          ClusterConfig.PATH);
    }
  }
}
