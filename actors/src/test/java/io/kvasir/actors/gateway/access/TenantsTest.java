package io.kvasir.actors.gateway.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.settings.AccessSettings;
import io.kvasir.actors.settings.KeyHash;
import io.kvasir.actors.settings.TenantSettings;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Keys, and whom they belong to. */
final class TenantsTest {
  private static final SecureRandom RANDOM = new SecureRandom();

  private static TenantSettings tenant(String name, ApiKey... keys) {
    List<KeyHash> hashes = Arrays.stream(keys).map(key -> key.hash(RANDOM)).toList();
    return new TenantSettings(name, hashes, 0, 0, 0, 0, Set.of());
  }

  private static Tenants tenants(TenantSettings... settings) {
    return new Tenants(new AccessSettings(false, List.of(settings)), System::nanoTime);
  }

  @Test
  void shouldFindTheTenantOfEachOfItsKeys() {
    ApiKey one = ApiKey.create(RANDOM);
    ApiKey two = ApiKey.create(RANDOM);
    ApiKey three = ApiKey.create(RANDOM);
    Tenants tenants = tenants(tenant("acme", one, two), tenant("globex", three));
    assertEquals("acme", tenants.authenticate("Bearer " + one.token()).name());
    assertSame(
        tenants.authenticate("Bearer " + one.token()),
        tenants.authenticate("bearer  " + two.token()));
    assertEquals("globex", tenants.authenticate("Bearer " + three.token()).name());
  }

  @Test
  void shouldRefuseEverythingThatIsNoKnownKeyWithoutRepeatingIt() {
    ApiKey key = ApiKey.create(RANDOM);
    Tenants tenants = tenants(tenant("acme", key));
    String flipped =
        key.token().substring(0, key.token().length() - 1)
            + (key.token().endsWith("A") ? "E" : "A");
    List<String> wrong = new ArrayList<>();
    wrong.add(null);
    wrong.addAll(
        List.of(
            "",
            "Bearer",
            "Bearer ",
            key.token(),
            "Basic " + key.token(),
            "Bearer " + flipped,
            "Bearer " + key.token() + "x",
            "Bearer " + key.hash(RANDOM).line(),
            "Bearer " + ApiKey.create(RANDOM).token()));
    for (String header : wrong) {
      AccessRefusedException refused =
          assertThrows(
              AccessRefusedException.class, () -> tenants.authenticate(header), "" + header);
      assertEquals(401, refused.reason().status());
      assertFalse(refused.getMessage().contains(key.id()), refused.getMessage());
    }
  }

  @Test
  void shouldKeepNothingOfAKeyButASaltedHash() {
    ApiKey key = ApiKey.create(RANDOM);
    KeyHash hash = key.hash(RANDOM);
    String secret = key.token().substring(key.token().lastIndexOf(key.id()) + 13);
    assertFalse(hash.line().contains(secret));
    assertFalse(key.toString().contains(secret));
    assertNotEquals(hash.line(), key.hash(RANDOM).line());
    assertEquals(hash, KeyHash.parse(hash.line()).orElseThrow());
    assertTrue(KeyHash.parse(key.token()).isEmpty());
    assertTrue(hash.matches(key.token()));
  }

  @Test
  void shouldTakeEveryoneAsOneTenantWhenThereAreNone() {
    Tenants open = tenants();
    assertEquals(Tenants.ANONYMOUS, open.authenticate(null).name());
    assertSame(open.authenticate(null), open.authenticate("Bearer anything"));
  }
}
