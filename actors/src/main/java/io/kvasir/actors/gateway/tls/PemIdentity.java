package io.kvasir.actors.gateway.tls;

import io.kvasir.actors.settings.ConfigurationException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A server's certificate chain and private key, read from two PEM files. */
final class PemIdentity {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \\1-----");
  private static final int MAX_FILE_BYTES = 1 << 20;

  private PemIdentity() {}

  /**
   * A context that shows this identity.
   *
   * @throws ConfigurationException naming the file and what to do about it
   */
  static SSLContext context(Path certificateFile, byte[] certificates, Path keyFile, byte[] key) {
    X509Certificate[] chain = chain(certificateFile, certificates);
    PublicKey publicKey = chain[0].getPublicKey();
    PrivateKey privateKey = privateKey(keyFile, key, publicKey.getAlgorithm());
    checkPair(certificateFile, publicKey, keyFile, privateKey);
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      char[] password = new char[0];
      store.setKeyEntry("kvasir", privateKey, password, chain);
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(store, password);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(managers.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException | IOException failure) {
      throw refused(
          certificateFile,
          "cannot be used with its key (" + failure.getMessage() + ")",
          "replace it");
    }
  }

  /** The file's bytes, at most a megabyte. */
  static byte[] read(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw refused(file, "has more than " + MAX_FILE_BYTES + " bytes", "name a PEM file");
      }
      return Files.readAllBytes(file);
    } catch (IOException unreadable) {
      throw refused(file, "cannot be read", "name a readable PEM file");
    }
  }

  private static X509Certificate[] chain(Path file, byte[] bytes) {
    try {
      Collection<? extends Certificate> all =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes));
      if (!all.isEmpty()) {
        return all.toArray(X509Certificate[]::new);
      }
    } catch (CertificateException malformed) {
      // Told below: the library's message is about bytes.
    }
    throw refused(
        file,
        "holds no certificate",
        "name a PEM file with the server's certificate first and its chain behind");
  }

  private static PrivateKey privateKey(Path file, byte[] bytes, String algorithm) {
    Matcher block = BLOCK.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    String found = null;
    while (block.find()) {
      String kind = block.group(1);
      if (kind.equals("PRIVATE KEY")) {
        return decode(file, block.group(2), algorithm);
      }
      found = found == null && kind.endsWith("PRIVATE KEY") ? kind : found;
    }
    throw refused(
        file,
        found == null ? "holds no private key" : "holds an " + found + ", not a PKCS#8 key",
        "convert it with openssl pkcs8 -topk8 -nocrypt");
  }

  private static PrivateKey decode(Path file, String base64, String algorithm) {
    try {
      byte[] der = Base64.getMimeDecoder().decode(base64);
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (GeneralSecurityException | IllegalArgumentException wrong) {
      throw refused(
          file, "holds no " + algorithm + " key as its certificate does", "name the matching key");
    }
  }

  /** A signature by one must hold for the other, or every handshake would fail. */
  private static void checkPair(
      Path certificateFile, PublicKey publicKey, Path keyFile, PrivateKey privateKey) {
    String scheme =
        switch (publicKey.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> publicKey.getAlgorithm();
        };
    boolean pair;
    try {
      byte[] probe = "kvasir".getBytes(StandardCharsets.US_ASCII);
      Signature signer = Signature.getInstance(scheme);
      signer.initSign(privateKey);
      signer.update(probe);
      byte[] signature = signer.sign();
      signer.initVerify(publicKey);
      signer.update(probe);
      pair = signer.verify(signature);
    } catch (GeneralSecurityException mismatch) {
      pair = false;
    }
    if (!pair) {
      throw refused(
          keyFile, "does not belong to the certificate of " + certificateFile, "name its own key");
    }
  }

  private static ConfigurationException refused(Path file, String what, String remedy) {
    return new ConfigurationException("the TLS file " + file + " " + what + "; " + remedy);
  }
}
