package io.kvasir.actors.gateway;

/**
 * What every document of one answer begins with.
 *
 * @param created seconds since 1970
 * @param fingerprint of the engine: same fingerprint and seed, same tokens
 * @param serviceTier null = the client did not ask
 */
record AnswerHead(String id, long created, String model, String fingerprint, String serviceTier) {}
