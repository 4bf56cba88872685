package io.kvasir.node.cluster;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/**
 * Answers like a Kubernetes API server, over TLS, the one question that discovery asks: {@code GET
 * /api/v1/namespaces/NAMESPACE/pods?labelSelector=app=NAME}, with the bearer token of a service
 * account. Everything else is 401, 403 or 404 as there. A thread of its own.
 */
final class PodListServer implements AutoCloseable {
  private final HttpsServer server;
  private final ExecutorService thread = Executors.newSingleThreadExecutor();
  private final String namespace;
  private final String label;
  private final String token;
  private final Map<String, Integer> ports;
  private final AtomicInteger lists = new AtomicInteger();

  /**
   * Starts it.
   *
   * @param ports admin port of each pod, by its name; every pod has the address 127.0.0.1
   */
  PodListServer(
      Path certificate,
      Path key,
      String namespace,
      String label,
      String token,
      Map<String, Integer> ports)
      throws IOException, GeneralSecurityException {
    this.namespace = namespace;
    this.label = label;
    this.token = token;
    this.ports = Map.copyOf(ports);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context(certificate, key)));
    server.createContext("/", this::answer);
    server.setExecutor(thread);
    server.start();
  }

  private static SSLContext context(Path certificate, Path key)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (InputStream in = Files.newInputStream(certificate);
        PEMParser parser = new PEMParser(new StringReader(Files.readString(key)))) {
      PrivateKey own = new JcaPEMKeyConverter().getPrivateKey((PrivateKeyInfo) parser.readObject());
      Certificate shown = CertificateFactory.getInstance("X.509").generateCertificate(in);
      store.setKeyEntry("api", own, new char[0], new Certificate[] {shown});
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    return context;
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** How often the pods were listed. */
  int lists() {
    return lists.get();
  }

  private void answer(HttpExchange exchange) throws IOException {
    int status = status(exchange);
    String body =
        status == 200
            ? pods()
            : """
            {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":%d}
            """
                .formatted(status);
    lists.addAndGet(status == 200 ? 1 : 0);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private int status(HttpExchange exchange) {
    if (!("Bearer " + token).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
      return 401;
    }
    String path = exchange.getRequestURI().getPath();
    if (!path.equals("/api/v1/namespaces/" + namespace + "/pods")) {
      return path.startsWith("/api/v1/namespaces/") ? 403 : 404;
    }
    return ("labelSelector=app=" + label).equals(exchange.getRequestURI().getQuery()) ? 200 : 403;
  }

  private String pods() {
    return """
    {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"4711"},"items":[%s]}
    """
        .formatted(
            ports.entrySet().stream()
                .map(pod -> pod(pod.getKey(), pod.getValue()))
                .collect(Collectors.joining(",")));
  }

  private String pod(String name, int port) {
    return """
    {"metadata":{"name":"%1$s","generateName":"kvasir-","namespace":"%2$s",
      "uid":"0c2f3a52-0000-4000-8000-%1$s","resourceVersion":"4700",
      "creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"%3$s"}},
     "spec":{"containers":[{"name":"kvasir","image":"kvasir:1",
        "ports":[{"name":"http","containerPort":8080,"protocol":"TCP"},
                 {"name":"admin","containerPort":%4$d,"protocol":"TCP"}],
        "resources":{},"imagePullPolicy":"IfNotPresent"}],
      "restartPolicy":"Always","nodeName":"host-1"},
     "status":{"phase":"Running",
      "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:01Z"}],
      "hostIP":"10.0.0.1","podIP":"127.0.0.1","podIPs":[{"ip":"127.0.0.1"}],
      "startTime":"2026-01-01T00:00:00Z",
      "containerStatuses":[{"name":"kvasir","ready":true,"restartCount":0,"image":"kvasir:1",
        "imageID":"","state":{"running":{"startedAt":"2026-01-01T00:00:01Z"}},"lastState":{}}],
      "qosClass":"BestEffort"}}
    """
        .formatted(name, namespace, label, port);
  }

  @Override
  public void close() {
    server.stop(0);
    thread.close();
  }
}
