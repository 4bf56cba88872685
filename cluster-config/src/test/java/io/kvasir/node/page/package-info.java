/**
 * The chat page in a real browser: a small client of Chromium's DevTools protocol and the tests
 * that use it (JUnit tag {@code browser}). One test thread; Chromium is a child process that ends
 * with its fixture. Start at {@link io.kvasir.node.page.ChatPageTest}.
 */
package io.kvasir.node.page;
