package io.kvasir.actors.gateway.access;

import io.kvasir.actors.gateway.access.AccessRefusedException.Reason;
import io.kvasir.actors.settings.AccessSettings;
import io.kvasir.actors.settings.KeyHash;
import io.kvasir.actors.settings.TenantSettings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * From the Authorization header to the tenant. Without tenants in the configuration everyone is the
 * tenant {@value #ANONYMOUS}, whatever key is sent. Safe from any thread.
 */
public final class Tenants {
  /** Everyone's name when no key is needed. */
  public static final String ANONYMOUS = "default";

  private static final String SCHEME = "bearer ";

  private record Entry(KeyHash hash, Tenant tenant) {}

  private final Tenant anonymous;
  private final Map<String, Entry> byKeyId = new HashMap<>();
  private final List<Tenant> all = new ArrayList<>();

  /**
   * Tenants with nothing used.
   *
   * @param clockNs monotonic
   */
  public Tenants(AccessSettings settings, LongSupplier clockNs) {
    for (TenantSettings one : settings.tenants()) {
      Tenant tenant = new Tenant(one, clockNs);
      all.add(tenant);
      one.keys().forEach(key -> byKeyId.put(key.id(), new Entry(key, tenant)));
    }
    anonymous = all.isEmpty() ? new Tenant(TenantSettings.unlimited(ANONYMOUS), clockNs) : null;
    if (anonymous != null) {
      all.add(anonymous);
    }
  }

  /** All there are. */
  public List<Tenant> all() {
    return List.copyOf(all);
  }

  /**
   * Finds out who asks.
   *
   * @param header the value of the Authorization header, or null
   * @throws AccessRefusedException 401 when there is no key or an unknown one
   */
  public Tenant authenticate(String header) {
    if (anonymous != null) {
      return anonymous;
    }
    if (header == null) {
      throw refused("the request has no API key, send it as Authorization: Bearer KEY");
    }
    if (!header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      throw refused("the Authorization header is no bearer token, send Authorization: Bearer KEY");
    }
    ApiKey key = ApiKey.parse(header.substring(SCHEME.length()).strip());
    Entry entry = key == null ? null : byKeyId.get(key.id());
    if (entry == null || !entry.hash().matches(key.token())) {
      throw refused("the API key is not known here, ask the operator of this node for one");
    }
    return entry.tenant();
  }

  private static AccessRefusedException refused(String message) {
    return new AccessRefusedException(Reason.KEY, message);
  }
}
