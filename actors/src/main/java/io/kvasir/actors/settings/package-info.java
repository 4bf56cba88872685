/**
 * Typed settings, built once from HOCON and validated with messages that name key, value, bound and
 * remedy. Immutable. Imported by everything in actors and above; imports nothing of it. Start at
 * {@code KvasirSettings}.
 */
package io.kvasir.actors.settings;
