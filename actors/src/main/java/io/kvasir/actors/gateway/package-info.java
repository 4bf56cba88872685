/**
 * The OpenAI HTTP API: bodies in and out, prompts to tokens, tokens to text, server-sent events.
 * Imports access, tls, gpu, observe and settings; imported by api. Handlers run on the system's
 * dispatcher and never block; parsing and tokenising run on the worker dispatcher. Start at {@code
 * Router}, then {@code CompletionsHandler}.
 */
package io.kvasir.actors.gateway;
