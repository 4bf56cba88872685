/**
 * HTTPS: certificate and key from PEM files, read again when they change. Imports settings;
 * imported by gateway. Files are read on the thread that calls {@code reload}; everything else is
 * safe from any thread. Start at {@code ReloadingTls}.
 */
package io.kvasir.actors.gateway.tls;
