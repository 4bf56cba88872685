package io.kvasir.actors.gateway.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvasir.actors.gateway.access.AccessRefusedException.Reason;
import io.kvasir.actors.settings.TenantSettings;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a tenant may use, on a clock that the test moves. */
final class TenantTest {
  private long nowNs = 5;

  private Tenant tenant(int maxRequests, int requestsPerMinute, int tokensPerMinute) {
    return new Tenant(
        new TenantSettings(
            "acme", List.of(), maxRequests, requestsPerMinute, tokensPerMinute, 0, Set.of()),
        () -> nowNs);
  }

  private void pass(long seconds) {
    nowNs += TimeUnit.SECONDS.toNanos(seconds);
  }

  private static AccessRefusedException assertRefused(Reason reason, Runnable attempt) {
    AccessRefusedException refused = assertThrows(AccessRefusedException.class, attempt::run);
    assertEquals(reason, refused.reason(), refused.getMessage());
    assertTrue(refused.getMessage().contains("acme"), refused.getMessage());
    return refused;
  }

  @Test
  void shouldRefillRequestsSteadilyAndSayWhenTheNextOnePasses() {
    Tenant tenant = tenant(0, 6, 0);
    for (int i = 0; i < 6; i++) {
      tenant.begin().end(0);
    }
    assertEquals(10, assertRefused(Reason.REQUESTS, tenant::begin).retryAfterSeconds());
    pass(4);
    assertEquals(6, assertRefused(Reason.REQUESTS, tenant::begin).retryAfterSeconds());
    pass(6);
    tenant.begin().end(0);
    assertRefused(Reason.REQUESTS, tenant::begin);
    pass(3600);
    assertEquals(6, tenant.standing().remainingRequests());
  }

  @Test
  void shouldGiveBackTokensThatWereTakenAndNotUsed() {
    Tenant tenant = tenant(0, 0, 600);
    Admission first = tenant.begin();
    first.takeTokens(500);
    Admission second = tenant.begin();
    AccessRefusedException refused = assertRefused(Reason.TOKENS, () -> second.takeTokens(200));
    assertEquals(10, refused.retryAfterSeconds());
    first.end(50);
    first.end(0);
    assertEquals(550, tenant.standing().remainingTokens());
    second.takeTokens(200);
    second.end(200);
    assertEquals(350, tenant.standing().remainingTokens());
    assertEquals(TimeUnit.SECONDS.toNanos(25), tenant.standing().resetTokensNs());
  }

  @Test
  void shouldTurnAwayBeforeTheBodyWhenNoTokenIsLeft() {
    Tenant tenant = tenant(0, 0, 60);
    Admission all = tenant.begin();
    all.takeTokens(60);
    all.end(60);
    assertEquals(1, assertRefused(Reason.TOKENS, tenant::begin).retryAfterSeconds());
    assertEquals(0, tenant.inProgress());
    pass(1);
    tenant.begin().end(0);
  }

  @Test
  void shouldRefuseForGoodWhatIsLargerThanAMinute() {
    Tenant tenant = tenant(0, 0, 100);
    Admission admission = tenant.begin();
    assertEquals(
        0, assertRefused(Reason.SIZE, () -> admission.takeTokens(101)).retryAfterSeconds());
    admission.end(0);
    assertEquals(100, tenant.standing().remainingTokens());
  }

  @Test
  void shouldBoundRequestsInProgressAndTellHowLongTheyLatelyStayed() {
    Tenant tenant = tenant(2, 0, 0);
    Admission first = tenant.begin();
    Admission second = tenant.begin();
    assertEquals(1, assertRefused(Reason.REQUESTS, tenant::begin).retryAfterSeconds());
    pass(7);
    first.end(0);
    tenant.begin();
    assertEquals(7, assertRefused(Reason.REQUESTS, tenant::begin).retryAfterSeconds());
    assertEquals(2, tenant.inProgress());
    pass(3600);
    second.end(0);
    tenant.begin();
    assertEquals(60, assertRefused(Reason.REQUESTS, tenant::begin).retryAfterSeconds());
  }

  @Test
  void shouldKnowItsModelsAndItsContext() {
    Tenant tenant =
        new Tenant(
            new TenantSettings("acme", List.of(), 0, 0, 0, 100, Set.of("small")), () -> nowNs);
    tenant.checkModel("small");
    assertRefused(Reason.MODEL, () -> tenant.checkModel("large"));
    assertEquals(100, tenant.contextTokens(4096));
    assertEquals(64, tenant.contextTokens(64));
    assertTrue(tenant(0, 0, 0).mayUse("any"));
    assertEquals(4096, tenant(0, 0, 0).contextTokens(4096));
  }
}
