package io.kvasir.actors.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class KvasirSettingsTest {
  private static KvasirSettings read(String overrides) {
    return KvasirSettings.from(
        ConfigFactory.parseString(
                overrides,
                com.typesafe.config.ConfigParseOptions.defaults().setOriginDescription("test"))
            .withFallback(ConfigFactory.defaultReference())
            .resolve());
  }

  @Test
  void shouldReadTheReference() {
    KvasirSettings settings = read("");
    assertEquals(8080, settings.gateway().port());
    assertEquals(10L << 20, settings.gateway().maxBodyBytes());
    assertEquals(Duration.ofMinutes(10), settings.gateway().requestTimeout());
    assertEquals("bf16", settings.runtime().pages());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "kvasir.actors.gateway.port=70000 | kvasir.actors.gateway.port=70000 is out of range; set a"
            + " value between 0 and 65535",
        "kvasir.actors.gateway.port=many | kvasir.actors.gateway.port is not a whole number (test:"
            + " 1); set a whole number",
        "kvasir.actors.gateway.max-body=1 | kvasir.actors.gateway.max-body=1 bytes is out of range;"
            + " set a value between 1024 bytes and 1073741824 bytes",
        "kvasir.actors.gateway.write-timeout=0s | kvasir.actors.gateway.write-timeout=0 s is out of"
            + " range; set a value between 100 ms and 86400 s",
        "kvasir.actors.gateway.write-timeout=soon | kvasir.actors.gateway.write-timeout is not a"
            + " duration such as 10 s (test: 1); set a duration such as 10 s",
        "kvasir.actors.gateway.max-bodies=2048 | kvasir.actors.gateway.max-bodies=2048 bytes is"
            + " below max-body=10485760 bytes, so the largest body could never pass; raise"
            + " max-bodies or lower max-body",
        "kvasir.runtime.weights=int2 | kvasir.runtime.weights=int2 is unknown; set one of"
            + " stored, f32, bf16, f16, int8, int4",
        "kvasir.runtime.threads=-1 | kvasir.runtime.threads=-1 is out of range; set a value"
            + " between 0 and 1024",
        "kvasir.runtime.pages=null | kvasir.runtime.pages is missing; set it to a text or"
            + " keep Kvasir's reference.conf on the class path",
        "kvasir.actors.gateway.tls.key=/k.pem | kvasir.actors.gateway.tls.key is set and"
            + " kvasir.actors.gateway.tls.certificate is not; set both for HTTPS, or none for HTTP",
        "kvasir.actors.gateway.access.tenants.Acme={} | kvasir.actors.gateway.access.tenants has"
            + " the name \"Acme\"; use up to 63 of a-z, 0-9, _ and -",
        "kvasir.actors.gateway.access.tenants.acme.keys=[sk-secret] |"
            + " kvasir.actors.gateway.access.tenants.acme.keys has an entry that is no"
            + " sha256:ID:SALT:HASH; add the line that `kvasir keys create --tenant acme` prints",
        "kvasir.actors.gateway.access.tenants.acme.max-requests=-1 |"
            + " kvasir.actors.gateway.access.tenants.acme.max-requests=-1 is out of range; set a"
            + " value between 0 and 1000000",
      })
  void shouldNameKeyValueBoundAndRemedy(String overrides, String message) {
    assertEquals(
        message, assertThrows(ConfigurationException.class, () -> read(overrides)).getMessage());
  }

  @Test
  void shouldGiveTenantsTheDefaultsOfAllAndRefuseAKeyOfTwo() {
    String key = KeyHash.of("0123456789ab", new byte[16], "secret").line();
    AccessSettings access =
        read("""
        kvasir.actors.gateway.access {
          tenant-defaults.requests-per-minute = 60
          tenants { acme { keys = ["%s"], tokens-per-minute = 5 }, globex.models = [m] }
        }
        """
                .formatted(key))
            .gateway()
            .access();
    TenantSettings acme = access.tenants().getFirst();
    assertEquals("acme", acme.name());
    assertEquals(key, acme.keys().getFirst().line());
    assertEquals(60, acme.requestsPerMinute());
    assertEquals(5, acme.tokensPerMinute());
    assertEquals(Set.of("m"), access.tenants().getLast().models());
    assertEquals(60, access.tenants().getLast().requestsPerMinute());
    String twice =
        "kvasir.actors.gateway.access.tenants { a.keys = [\"%s\"], b.keys = [\"%s\"] }"
            .formatted(key, key);
    String message = assertThrows(ConfigurationException.class, () -> read(twice)).getMessage();
    assertTrue(message.contains("key id 0123456789ab"), message);
  }

  @Test
  void shouldNameTheModelAfterItsLocation() {
    assertEquals("embedded:factbook", modelId("embedded:factbook", ""));
    assertEquals("Llama-3.2-1B", modelId("/models/Llama-3.2-1B/", ""));
    assertEquals("dummy:bench-150m", modelId("dummy:bench-150m", ""));
    assertEquals("mine", modelId("/models/x", "mine"));
  }

  @Test
  void shouldReadSeveralModelsEachWithItsOwnValuesAndTheSharedOnes() {
    List<RuntimeSettings> models =
        read("kvasir.runtime { served-name = unused, aliases = [unused], weights = int8, threads ="
                + " 3, models = [{ model = a, aliases = [x, y] }, { model = b, served-name = z,"
                + " weights = bf16, pooling = mean, engine { arena = 1 MiB, max-running = 2 } }]"
                + " }")
            .models();
    assertEquals(2, models.size());
    RuntimeSettings a = models.getFirst();
    RuntimeSettings b = models.getLast();
    assertEquals("a", a.modelId());
    assertEquals(List.of("x", "y"), a.aliases());
    assertEquals("int8", a.weights());
    assertEquals("last", a.pooling());
    assertEquals(0, a.arenaBytes());
    assertEquals("z", b.modelId());
    assertEquals(List.of(), b.aliases());
    assertEquals("bf16", b.weights());
    assertEquals("mean", b.pooling());
    assertEquals(1 << 20, b.arenaBytes());
    assertEquals(2, b.maxRunning());
    assertEquals(a.maxWaiting(), b.maxWaiting());
    assertEquals(3, b.threads());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "models=[{model=a},{model=a}] | the model id \"a\" is given twice; set a served-name or"
            + " alias of its own for each model",
        "models=[{model=a},{model=b,aliases=[a]}] | the model id \"a\" is given twice; set a"
            + " served-name or alias of its own for each model",
        "aliases=[\"\"] | the model id \"\" is blank; set a served-name or alias of its own for"
            + " each model",
        "models=[{aliases=[x]}] | kvasir.runtime.models[0].model is missing; set it to a text or"
            + " keep Kvasir's reference.conf on the class path",
        "models=[{model=a,wieghts=int8}] | kvasir.runtime.models[0].wieghts is unknown; remove it",
        "models=[{model=a,threads=1}] | kvasir.runtime.models[0].threads is no key of one model,"
            + " all models share the threads of kvasir.runtime.threads; remove it",
        "models=[{model=a,engine{max-running=0}}] | kvasir.runtime.models[0].engine.max-running=0"
            + " is out of range; set a value between 1 and 65536",
        "models=7 | kvasir.runtime.models is not a list of objects (test: 1); set a list of"
            + " objects",
        "pooling=sum | kvasir.runtime.pooling=sum is unknown; set one of last, mean",
      })
  void shouldRefuseModelsThatCannotBeToldApart(String overrides, String message) {
    assertEquals(
        message,
        assertThrows(
                ConfigurationException.class, () -> read("kvasir.runtime { " + overrides + " }"))
            .getMessage());
  }

  private static String modelId(String location, String servedName) {
    return read("kvasir.runtime { model = \"%s\", served-name = \"%s\" }"
            .formatted(location, servedName))
        .runtime()
        .modelId();
  }
}
