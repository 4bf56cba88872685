/**
 * Who asks, and how much of the node that tenant may use: keys, tenants, requests and tokens per
 * minute. Imports settings; imported by gateway and by the {@code keys} command. Everything is safe
 * from any thread, takes its time from a clock that is passed in, and never waits. Start at {@code
 * Tenants}, then {@code Tenant}.
 */
package io.kvasir.actors.gateway.access;
