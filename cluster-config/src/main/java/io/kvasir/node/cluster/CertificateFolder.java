package io.kvasir.node.cluster;

import io.kvasir.actors.settings.ConfigurationException;
import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A folder with one authority ({@code ca.crt}, {@code ca.key}) and the certificates that it has
 * signed ({@code NAME.crt}, {@code NAME.key}): keys are RSA, files PEM, keys readable by their owner
 * only. All nodes' certificates share the name {@value #SHARED_NAME}, by which nodes know each
 * other. For one process at a time.
 */
public final class CertificateFolder {
  static final String SHARED_NAME = "kvasir-node";
  private static final int KEY_BITS = 3072;
  private static final String ALGORITHM = "SHA256withRSA";
  private static final Duration CLOCK_SKEW = Duration.ofHours(1);
  private static final int SERIAL_BITS = 127;

  private final SecureRandom random = new SecureRandom();
  private final Path folder;

  /** The folder need not exist yet. */
  public CertificateFolder(Path folder) {
    this.folder = folder;
  }

  /** Whether it has an authority. */
  public boolean hasAuthority() {
    return Files.exists(folder.resolve("ca.key"));
  }

  /**
   * Makes the authority.
   *
   * @throws ConfigurationException when there is one
   */
  public void createAuthority(Duration life) throws IOException, GeneralSecurityException {
    if (hasAuthority()) {
      throw new ConfigurationException(
          folder.resolve("ca.key") + " exists; remove it to make every node's certificate useless");
    }
    KeyPair keys = keys();
    X500Name name = new X500Name("CN=Kvasir cluster authority");
    JcaX509v3CertificateBuilder builder = builder(name, name, keys, life);
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
    builder.addExtension(
        Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
    write("ca", sign(builder, keys.getPrivate()), keys.getPrivate());
  }

  /**
   * Makes or replaces a node's certificate.
   *
   * @param name of its files
   * @param hosts DNS names and IP addresses under which the node is reached
   */
  public void issue(String name, List<String> hosts, Duration life)
      throws IOException, GeneralSecurityException {
    if (!name.matches("[A-Za-z0-9._-]{1,64}") || name.equals("ca")) {
      throw new ConfigurationException(
          "name=%s becomes a file name; use 1 to 64 letters, digits, dots and dashes, and not ca"
              .formatted(name));
    }
    X509CertificateHolder authority = read("ca.crt", X509CertificateHolder.class);
    PrivateKey authorityKey =
        new JcaPEMKeyConverter().getPrivateKey(read("ca.key", PrivateKeyInfo.class));
    KeyPair keys = keys();
    JcaX509v3CertificateBuilder builder =
        builder(authority.getSubject(), new X500Name("CN=" + SHARED_NAME), keys, life);
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
    builder.addExtension(
        Extension.keyUsage,
        true,
        new KeyUsage(KeyUsage.digitalSignature | KeyUsage.keyEncipherment));
    builder.addExtension(
        Extension.extendedKeyUsage,
        false,
        new ExtendedKeyUsage(
            new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
    List<GeneralName> names = new ArrayList<>();
    names.add(new GeneralName(GeneralName.dNSName, SHARED_NAME));
    for (String host : hosts) {
      boolean address = host.indexOf(':') >= 0 || host.matches("[0-9.]+");
      names.add(new GeneralName(address ? GeneralName.iPAddress : GeneralName.dNSName, host));
    }
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(names.toArray(GeneralName[]::new)));
    write(name, sign(builder, authorityKey), keys.getPrivate());
  }

  private KeyPair keys() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(KEY_BITS, random);
    return generator.generateKeyPair();
  }

  private JcaX509v3CertificateBuilder builder(
      X500Name issuer, X500Name subject, KeyPair keys, Duration life) {
    Instant now = Instant.now();
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(SERIAL_BITS, random),
        Date.from(now.minus(CLOCK_SKEW)),
        Date.from(now.plus(life)),
        subject,
        keys.getPublic());
  }

  private static X509Certificate sign(JcaX509v3CertificateBuilder builder, PrivateKey key)
      throws GeneralSecurityException {
    try {
      return new JcaX509CertificateConverter()
          .getCertificate(builder.build(new JcaContentSignerBuilder(ALGORITHM).build(key)));
    } catch (OperatorCreationException e) {
      throw new GeneralSecurityException(e);
    }
  }

  private <T> T read(String file, Class<T> type) throws IOException {
    Path path = folder.resolve(file);
    if (!Files.isReadable(path)) {
      throw new ConfigurationException(
          path + " cannot be read; make an authority with `kvasir certs init`");
    }
    try (PEMParser parser = new PEMParser(Files.newBufferedReader(path))) {
      Object object = parser.readObject();
      if (!type.isInstance(object)) {
        throw new ConfigurationException(
            path + " holds no PEM of the expected kind; make it with `kvasir certs`");
      }
      return type.cast(object);
    }
  }

  private void write(String name, X509Certificate certificate, PrivateKey key)
      throws IOException, GeneralSecurityException {
    Files.createDirectories(folder);
    // A node that reads now must find a pair: the key first would be shown without its certificate
    // for a moment at most, and is then read again.
    replace(name + ".key", pem(new JcaPKCS8Generator(key, null)), "rw-------");
    replace(name + ".crt", pem(certificate), "rw-r--r--");
  }

  private static String pem(Object object) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    }
    return text.toString();
  }

  private void replace(String file, String text, String mode) throws IOException {
    Path temporary =
        Files.createTempFile(
            folder,
            file,
            ".new",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode)));
    Files.writeString(temporary, text);
    Files.move(
        temporary,
        folder.resolve(file),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }
}
