package io.kvasir.actors.gateway.tls;

import io.kvasir.actors.settings.ConfigurationException;
import io.kvasir.actors.settings.TlsSettings;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server side of TLS. New connections show the newest identity that could be used; connections
 * that exist keep theirs. Safe from any thread.
 */
public final class ReloadingTls {
  private static final Logger LOG = LoggerFactory.getLogger(ReloadingTls.class);
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

  private final TlsSettings settings;
  private byte[] certificates;
  private byte[] key;
  private String told = "";
  private volatile SSLContext context;

  /**
   * Reads the files.
   *
   * @throws ConfigurationException naming the file and the remedy
   */
  public ReloadingTls(TlsSettings settings) {
    this.settings = settings;
    this.certificates = PemIdentity.read(settings.certificate());
    this.key = PemIdentity.read(settings.key());
    this.context = open();
  }

  /** An engine for one connection. */
  public SSLEngine engine() {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(PROTOCOLS);
    return engine;
  }

  /**
   * Looks at the files; blocks for as long as reading them takes. Content that cannot be used (one
   * file may have been replaced before the other) is logged once, and what was good stays.
   *
   * @return true when new connections show a new identity
   */
  public synchronized boolean reload() {
    try {
      byte[] newCertificates = PemIdentity.read(settings.certificate());
      byte[] newKey = PemIdentity.read(settings.key());
      if (Arrays.equals(newCertificates, certificates) && Arrays.equals(newKey, key)) {
        return false;
      }
      certificates = newCertificates;
      key = newKey;
      context = open();
      told = "";
      LOG.info("TLS certificate read again from {}", settings.certificate());
      return true;
    } catch (ConfigurationException unusable) {
      if (!told.equals(unusable.getMessage())) {
        told = unusable.getMessage();
        LOG.warn("the TLS certificate in use stays: {}", told);
      }
      return false;
    }
  }

  private SSLContext open() {
    return PemIdentity.context(settings.certificate(), certificates, settings.key(), key);
  }
}
